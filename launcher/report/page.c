#include "launcher/report/page.h"

#include "launcher/chart/markup.h"
#include "launcher/command/version.h"

static const char style[] =
    "body{margin:0;font:15px/1.45 system-ui,sans-serif;color:#222;background:#fff}"
    "main{max-width:1180px;margin:0 auto;padding:12px 16px 40px}"
    "h1{font-size:1.6em;margin:.4em 0 .1em;overflow-wrap:anywhere}"
    "h2{font-size:1.2em;margin:1.8em 0 .5em;border-bottom:1px solid #ccc;padding-bottom:.2em}"
    "h3,h4{font-size:1em;margin:1.2em 0 .4em;overflow-wrap:anywhere}h4{font-weight:600;color:#444}"
    "p{margin:.4em 0;max-width:75ch}.lead{font-size:1.1em}.note{color:#555}"
    /* A shadow at an edge behind which there is more: white covers that move with the table hide
     * it where there is not. */
    ".wide{overflow-x:auto;max-width:100%;background:linear-gradient(to right,#fff 40%,#fff0) 0 0,"
    "linear-gradient(to left,#fff 40%,#fff0) 100% 0,linear-gradient(to right,#0005,#0000) 0 0,"
    "linear-gradient(to left,#0005,#0000) 100% 0;background-size:40px 100%,40px 100%,16px 100%,"
    "16px 100%;background-repeat:no-repeat;background-attachment:local,local,scroll,scroll}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.4em 0}"
    "th,td{padding:3px 10px 3px 0;text-align:left;vertical-align:top}"
    "td.n,th.n{text-align:right}thead th{border-bottom:1px solid #999}"
    ".read{max-width:75ch}tbody tr:nth-child(even){background:#0000000a}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:.4em 0}"
    "dt{color:#555}dd{margin:0;overflow-wrap:anywhere}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,350px),1fr));gap:"
    "14px}"
    "figure{margin:0;break-inside:avoid}figure svg{width:100%;height:auto;display:block;"
    "border:1px solid #e3e3e3}"
    ".by-step,.by-epoch,.by-seconds{display:none}"
    "#x-step:checked~div .by-step,#x-epoch:checked~div .by-epoch,"
    "#x-seconds:checked~div .by-seconds{display:block}"
    ".pick{position:absolute;opacity:0}"
    ".pick+label{display:inline-block;border:1px solid #999;border-radius:4px;padding:2px 10px;"
    "margin:0 6px 8px 0;cursor:pointer}"
    ".pick:checked+label{background:#0072B2;border-color:#0072B2;color:#fff}"
    ".pick:focus-visible+label{outline:2px solid #222;outline-offset:2px}"
    ".bar{display:flex;height:22px;margin:.5em 0;border:1px solid #999}.bar span{display:block}"
    ".key{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border:1px solid #666}"
    "table.confusion td,table.confusion th{padding:2px 6px;text-align:right;border:1px solid "
    "#e3e3e3}"
    "table.confusion th.r{text-align:left;white-space:nowrap}"
    ".pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(128px,1fr));gap:12px}"
    ".pictures img{width:112px;height:auto;image-rendering:pixelated;border:1px solid #ccc}"
    "figcaption{font-size:.85em}"
    ".sheet{max-width:900px}.sheet img{width:100%;height:auto;image-rendering:pixelated}"
    ".sheet img[src^='data:image/png']{width:min(100%,480px)}"
    ".sample img{max-width:100%;width:480px;height:auto;image-rendering:pixelated}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f6;padding:10px;font-size:."
    "85em}"
    "summary{cursor:pointer}footer{margin-top:3em;color:#555;font-size:.85em}"
    "@media print{main{max-width:none;padding:0}body{font-size:11px}h2,h3{break-after:avoid}"
    ".wide{overflow:visible;background:none}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    ".pick,.pick+label{display:none}.grid{grid-template-columns:1fr "
    "1fr}details{break-inside:auto}}";

void ls_page_text(const struct ls_page *page, const char *before, const char *text,
                  const char *after) {
    fputs(before, page->out);
    ls_markup_print(page->out, text);
    fputs(after, page->out);
}

static void print_image(const struct ls_page *page, const char *kind, const void *bytes,
                        size_t count, const char *alternative) {
    fprintf(page->out, "<img src=\"data:image/%s;base64,", kind);
    ls_markup_base64(page->out, bytes, count);
    ls_page_text(page, "\" alt=\"", alternative, "\"/>");
}

void ls_page_png(const struct ls_page *page, const void *bytes, size_t count,
                 const char *alternative) {
    print_image(page, "png", bytes, count, alternative);
}

void ls_page_svg(const struct ls_page *page, const void *bytes, size_t count,
                 const char *alternative) {
    print_image(page, "svg+xml", bytes, count, alternative);
}

void ls_page_section(const struct ls_page *page, const char *id, const char *title) {
    fprintf(page->out, "<section id=\"%s\"><h2>%s</h2>\n", id, title);
}

void ls_page_begin(const struct ls_page *page) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>",
          page->out);
    for (int r = 0; r < page->count; r++)
        ls_page_text(page, r ? ", " : "", page->records[r].history.name, "");
    fprintf(page->out, " - Lockstep</title>\n<style>%s</style></head>\n<body><main>\n", style);
}

void ls_page_end(const struct ls_page *page) {
    fprintf(page->out, "<footer>Written by lockstep report (%s)", ls_version());
    for (int r = 0; r < page->count; r++)
        ls_page_text(page, r ? ", " : " from ", page->records[r].history.run, "");
    fputs(".</footer>\n</main></body></html>\n", page->out);
}
