#include "core/base/utf8.h"

size_t ls_utf8_length(const unsigned char *bytes, uint64_t left) {
    const unsigned first = bytes[0];
    const size_t length = first < 0x80   ? 1
                          : first < 0xC2 ? 0
                          : first < 0xE0 ? 2
                          : first < 0xF0 ? 3
                                         : 4;
    if (!first || !length || first > 0xF4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    const bool overlong = (first == 0xE0 && bytes[1] < 0xA0) || (first == 0xF0 && bytes[1] < 0x90);
    const bool beyond = (first == 0xED && bytes[1] > 0x9F) || (first == 0xF4 && bytes[1] > 0x8F);
    return overlong || beyond ? 0 : length;
}

uint32_t ls_utf8_code(const unsigned char *bytes, size_t length) {
    uint32_t code = length == 1 ? bytes[0] : bytes[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (bytes[i] & 0x3F);
    return code;
}

struct range {
    uint32_t first, last;
};

static bool is_among(uint32_t code, const struct range *ranges, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}
#define IS_AMONG(code, ranges) is_among(code, ranges, sizeof(ranges) / sizeof *(ranges))

size_t ls_utf8_blank(const unsigned char *bytes, uint64_t left) {
    static const struct range blanks[] = {
        {'\t', '\r'},     {0x1C, ' '},      {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
        {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
    const size_t length = left ? ls_utf8_length(bytes, left) : 0;
    return length && IS_AMONG(ls_utf8_code(bytes, length), blanks) ? length : 0;
}

bool ls_utf8_in_word(uint32_t code) {
    static const struct range others[] = {
        {0, '0' - 1},     {'9' + 1, 'A' - 1}, {'Z' + 1, 'a' - 1}, {'z' + 1, 0xA9},
        {0xAB, 0xB4},     {0xB6, 0xB9},       {0xBB, 0xBF},       {0xD7, 0xD7},
        {0xF7, 0xF7},     {0x1680, 0x1680},   {0x2000, 0x200B},   {0x200E, 0x206F},
        {0x20A0, 0x20CF}, {0x2190, 0x2BFF},   {0x3000, 0x3004},   {0x3008, 0x3020},
        {0xFE10, 0xFE1F}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF0F},   {0xFF1A, 0xFF20},
        {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65},   {0x1F000, 0x1FAFF},
    };
    return !IS_AMONG(code, others);
}

/* Capitals from `first` on, each `every`, whose small letters are `add` behind them. */
struct capitals {
    uint32_t first, last, every;
    int32_t add;
};

static uint32_t small_of(uint32_t code) {
    static const struct capitals all[] = {
        {'A', 'Z', 1, 32},     {0xC0, 0xD6, 1, 32},     {0xD8, 0xDE, 1, 32},
        {0x100, 0x12E, 2, 1},  {0x132, 0x136, 2, 1},    {0x139, 0x147, 2, 1},
        {0x14A, 0x176, 2, 1},  {0x178, 0x178, 1, -121}, {0x179, 0x17D, 2, 1},
        {0x386, 0x386, 1, 38}, {0x388, 0x38A, 1, 37},   {0x38C, 0x38C, 1, 64},
        {0x38E, 0x38F, 1, 63}, {0x391, 0x3A1, 1, 32},   {0x3A3, 0x3AB, 1, 32},
        {0x400, 0x40F, 1, 80}, {0x410, 0x42F, 1, 32},   {0x460, 0x480, 2, 1},
        {0x48A, 0x4BE, 2, 1},  {0x4C1, 0x4CD, 2, 1},    {0x4D0, 0x52E, 2, 1},
        {0x531, 0x556, 1, 48}, {0x1E00, 0x1E94, 2, 1},  {0x1EA0, 0x1EFE, 2, 1},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (code >= all[i].first && code <= all[i].last)
            return (code - all[i].first) % all[i].every ? code : code + (uint32_t)all[i].add;
    return code;
}

static void write_code(unsigned char *bytes, size_t length, uint32_t code) {
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        bytes[i] = (unsigned char)(0x80 | (code & 0x3F));
    bytes[0] = (unsigned char)(length == 1 ? code : (0xF00u >> length & 0xFF) | code);
}

void ls_utf8_lower(char *text, uint64_t count) {
    unsigned char *bytes = (unsigned char *)text;
    for (uint64_t at = 0; at < count;) {
        const size_t length = ls_utf8_length(bytes + at, count - at);
        if (length)
            write_code(bytes + at, length, small_of(ls_utf8_code(bytes + at, length)));
        at += length ? length : 1;
    }
}
