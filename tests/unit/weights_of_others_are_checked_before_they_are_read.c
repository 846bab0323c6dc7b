/* Files of safetensors and maps for import-weights: what is damaged is said, whatever byte it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"
#include "launcher/import/map.h"
#include "tests/support/data.h"
#include "tests/support/support.h"

static struct ls_error *const error = &ls_test_error;

static const float values[] = {1.5F, -2, 0.25F, 8, 3, 65504};
#define DATA sizeof values
#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}"
#define B "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[16,24]}"

/* A file with that header and the values behind it, `more` bytes longer. */
static const char *make(const char *header, int more) {
    static char bytes[1024];
    const uint64_t length = strlen(header);
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, &length, sizeof length);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + length, values, DATA);
    return ls_test_file("x.safetensors", bytes, (uint64_t)((int)(8 + length + DATA) + more));
}

static void refuse(const char *path, const char *part) {
    struct ls_safetensors file;
    ck_assert_msg(ls_safetensors_open(&file, path, error) == LS_INVALID, "no '%s'", part);
    ls_safetensors_close(&file);
    ls_test_error_has(part);
    ls_test_error_has("x.safetensors: ");
}

START_TEST(damaged_headers_are_refused) {
    static const struct {
        const char *header;
        int more;
        const char *part;
    } cases[] = {
        {"{" A "," B "}", 4, "its tensors have 24 bytes, and 28 lie behind its header"},
        {"{" A "," B "}", -4, "tensor 'b' lies at bytes 16 to 24 of 20"},
        {" {" A "," B "}", 0, "its header does not begin with '{'"},
        {"{" A "," B, 0, "its header: column"},
        {"{" A "," A "}", 0, "duplicate object key"},
        {"{" A ",\"b\xff\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[16,24]}}", 0,
         "its header: column"},
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", 0,
         "tensor 'b' begins at byte 8, and the one before it ends at 16"},
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[20,24]}}", 0,
         "tensor 'b' begins at byte 20, and the one before it ends at 16"},
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[16,24]}}", 0,
         "tensor 'b' of F32 and shape 3 does not have 8 bytes"},
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[16,24]}}", 0,
         "its shape is no list of up to 6 dimensions from 0 on"},
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[1099511627776,1099511627776],"
         "\"data_offsets\":[16,24]}}",
         0, "its shape is no list of up to 6 dimensions from 0 on"},
        {"{" A
         ",\"b\":{\"dtype\":\"F32\",\"shape\":[2305843009213693954],\"data_offsets\":[16,24]}}",
         0, "does not have 8 bytes"},
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,16]}}", 0,
         "lies at bytes 24 to 16 of 24"},
        {"{" A ",\"b\":{\"dtype\":\"F3\",\"shape\":[2],\"data_offsets\":[16,24]}}", 0,
         "tensor 'b' is of the type 'F3', which this program does not know"},
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[16,24],\"x\":1}}", 0,
         "tensor 'b': 1 object item(s) left unpacked: x"},
        {"{" A ",\"b\\u001b[2J\":{}}", 0, "a tensor's name has control characters"},
        {"{" A ",\"b\":[]}", 0, "tensor 'b': Expected object, got array"},
        {"{\"__metadata__\":{\"format\":1}," A "," B "}", 0,
         "its __metadata__ is no object of texts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(make(cases[i].header, cases[i].more), cases[i].part);
    refuse(ls_test_text("x.safetensors", "abc"), "it has 3 bytes");
    refuse(ls_test_file("x.safetensors", "\0\0\0\0\0\0\0\x10{}", 10),
           "its header would have 1152921504606846976 bytes, expected 2 to 2");
    refuse(ls_test_file("x.safetensors", "PK\3\4 and more", 13), "as torch.save");
    refuse(ls_test_path("no/x.safetensors"), "cannot read");
}
END_TEST

/* Opens and reads all; an error is as good. */
static void try_all(const char *path) {
    struct ls_safetensors file;
    enum ls_status status = ls_safetensors_open(&file, path, error);
    for (int t = 0; t < file.count && status == LS_OK; t++) {
        float *to = calloc((size_t)file.items[t].count + 1, sizeof *to);
        status = ls_safetensors_read(&file, &file.items[t], to, error);
        free(to);
    }
    ck_assert(status == LS_OK || status == LS_INVALID);
    ls_safetensors_close(&file);
}

START_TEST(any_changed_byte_is_survived) {
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"}," A "," B "}";
    const size_t length = sizeof header - 1 + 8 + DATA;
    char whole[256], changed[256];
    FILE *file = fopen(make(header, 0), "rb");
    ck_assert_uint_eq(fread(whole, 1, length, file), length);
    fclose(file);
    const char *path = ls_test_path("x.safetensors");
    for (size_t i = 0; i < length; i++)
        for (int bit = 0; bit <= 8; bit++) { /* 8: cut off here */
            memcpy(changed, whole, length);
            changed[i] = (char)(changed[i] ^ (bit < 8 ? 1 << bit : 0));
            file = fopen(path, "wb");
            fwrite(changed, 1, bit < 8 ? length : i, file);
            fclose(file);
            try_all(path);
        }
}
END_TEST

START_TEST(values_become_floats) {
    static const struct {
        const char *type, *bytes;
        float expected[2];
    } cases[] = {
        {"F32", "\0\0\xc0\x3f\0\0\0\xc0", {1.5F, -2}},
        {"F16", "\0\x3e\xff\x7b", {1.5F, 65504}},
        {"F16", "\1\0\0\x80", {5.9604645e-8F, -0.0F}},
        {"BF16", "\xc0\x3f\x80\x43", {1.5F, 256}},
        {"F64", "\0\0\0\0\0\0\xf8\x3f\x9a\x99\x99\x99\x99\x99\xb9\x3f", {1.5F, 0.1F}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint64_t bytes = !strcmp(cases[i].type, "F64") ? 16
                               : strstr(cases[i].type, "16") ? 4
                                                             : 8;
        char content[256], header[128];
        snprintf(header, sizeof header,
                 "{\"a\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[0,%d]}}", cases[i].type,
                 (int)bytes);
        const uint64_t length = strlen(header);
        memcpy(content, &length, 8);
        memcpy(content + 8, header, length);
        memcpy(content + 8 + length, cases[i].bytes, bytes);
        struct ls_safetensors file;
        float found[2];
        ls_require(ls_safetensors_open(
            &file, ls_test_file("x.safetensors", content, 8 + length + bytes), error));
        ls_require(ls_safetensors_read(&file, &file.items[0], found, error));
        ck_assert_msg(!memcmp(found, cases[i].expected, sizeof found), "%s: %g %g", cases[i].type,
                      (double)found[0], (double)found[1]);
        ls_safetensors_close(&file);
    }
}
END_TEST

START_TEST(names_follow_the_map) {
    static const char text[] = "conv1: conv2d1\n"
                               "\"layer*.*.bn*\": stage*_*.norm*\n"
                               "module: \"\"\n"
                               "\"h.*\": {to: [block*, copy*], layout: in_out}\n"
                               "h.0.mask:\n";
    static const struct {
        const char *name, *ours[2];
    } cases[] = {{"conv1.weight", {"conv2d1.weight"}},
                 {"conv1", {"conv2d1"}},
                 {"module.fc.bias", {"fc.bias"}},
                 {"layer1.12.bn2.bias", {"stage1_12.norm2.bias"}},
                 {"h.3.ln.weight", {"block3.ln.weight", "copy3.ln.weight"}},
                 {"h.0.mask", {NULL}},
                 {"conv10.weight", {NULL}}};
    struct ls_map map;
    char renamed[LS_NAME_MAX];
    ls_require(ls_map_load(&map, ls_test_text("x.map", text), error));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ls_map_rule *rule = ls_map_find(&map, cases[i].name);
        const int expected = !cases[i].ours[0] ? 0 : cases[i].ours[1] ? 2 : 1;
        ck_assert_int_eq(rule ? rule->our_count : 0, expected);
        for (int k = 0; k < expected; k++) {
            ck_assert(ls_map_rename(rule, k, cases[i].name, renamed));
            ck_assert_str_eq(renamed, cases[i].ours[k]);
        }
    }
    ck_assert_ptr_null(ls_map_find(&map, "conv10.weight"));
    ls_map_clear(&map);
}
END_TEST

START_TEST(maps_say_where_they_are_wrong) {
    static const char *const cases[][2] = {
        {"- a\n", "x.map:1:1: error: expected a mapping, theirs: ours, found a list"},
        {"a: b\na: c\n", "x.map:2:1: error: 'a' is there twice, first on line 1"},
        {"a: b*\n", "x.map:1:4: error: 'b*' has more * than 'a'"},
        {"a: {layout: in_out}\n", "x.map:1:4: error: expected `to: NAME`"},
        {"a: {to: b, layout: turned}\n", "x.map:1:20: error: layout: expected by_shape, in_out or "
                                         "out_in, found 'turned'"},
        {"a: {to: b, as: c}\n", "x.map:1:12: error: expected to, layout, flat or rotary"},
        {"a: [[b]]\n", "x.map:1:5: error: expected a name of this model, found a list"},
        {"*a: b\n", "x.map:1:1: error: configs take no anchors"},
        {"a: \"b\n", "x.map:2:1: error: YAML syntax"},
    };
    struct ls_map map;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(ls_map_load(&map, ls_test_text("x.map", cases[i][0]), error), LS_INVALID);
        ls_test_error_has(cases[i][1]);
        ls_map_clear(&map);
    }
    ls_require(ls_map_load(&map, ls_test_text("x.map", "{\"a\": null, \"b\": [\"c\"]}"), error));
    ck_assert_int_eq(map.rules[0].our_count, 0);
    ls_map_clear(&map);
}
END_TEST

LS_SUITE(damaged_headers_are_refused, any_changed_byte_is_survived, values_become_floats,
         names_follow_the_map, maps_say_where_they_are_wrong)
