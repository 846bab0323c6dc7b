/* Everything that a program with its own training loop needs: #include <lockstep.h>. */
#ifndef LOCKSTEP_H
#define LOCKSTEP_H

#include "core/models/model.h"
#include "core/optim/optimizer.h"
#include "core/optim/schedule.h"
#include "dist/communicator.h"
#include "dist/reducer.h"
#include "io/checkpoint.h"
#include "io/dataset.h"
#include "io/loader.h"

#endif
