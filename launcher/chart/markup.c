#include "launcher/chart/markup.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/base/utf8.h"

static const char *escape(unsigned char byte) {
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return byte < ' ' && byte != '\n' && byte != '\t' ? "\xEF\xBF\xBD" : NULL;
    }
}

void ls_markup_print(FILE *out, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    for (size_t left = strlen(text), length; left; at += length, left -= length) {
        length = ls_utf8_length(at, left);
        const uint32_t code = length ? ls_utf8_code(at, length) : 0xFFFE;
        const char *instead = code < 0x80 ? escape(*at) : NULL;
        if (code == 0xFFFE || code == 0xFFFF || code == 0x7F)
            instead = "\xEF\xBF\xBD";
        length = length ? length : 1;
        if (instead)
            fputs(instead, out);
        else
            fwrite(at, 1, length, out);
    }
}

const char *ls_markup_number(double value, char text[32]) {
    if (isfinite(value))
        snprintf(text, 32, "%.6g", value);
    else
        strcpy(text, "not a number");
    return text;
}

void ls_markup_base64(FILE *out, const unsigned char *bytes, size_t count) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        const size_t left = count - i;
        const uint32_t bits = (uint32_t)bytes[i] << 16 |
                              (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                              (left > 2 ? bytes[i + 2] : 0);
        fputc(letters[bits >> 18], out);
        fputc(letters[bits >> 12 & 63], out);
        fputc(left > 1 ? letters[bits >> 6 & 63] : '=', out);
        fputc(left > 2 ? letters[bits & 63] : '=', out);
    }
}
