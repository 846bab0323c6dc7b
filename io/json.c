#include "io/json.h"

#include <math.h>

json_t *ls_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}
