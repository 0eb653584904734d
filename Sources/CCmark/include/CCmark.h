// Finds the code fences, links and headings of a markdown file with cmark-gfm (Debian: libcmark-gfm-dev,
// libcmark-gfm-extensions-dev). Only this much of the library is used, so that Swift needs none of its headers.
#ifndef CCMARK_H
#define CCMARK_H
#include <stddef.h>

// One fenced code block. The texts live until ccmark_free.
struct ccmark_fence {
    const char *info;     // what stands behind the opening fence
    const char *literal;  // the text between the fences, dedented if the fence was
    int first_line;       // of the opening fence, from 1
    int last_line;        // of the closing fence
    int heading_level;    // of the nearest heading above; 0 when there is none
    const char *heading;  // its text
};

// A link or an image.
struct ccmark_link {
    const char *url;   // as written, escapes resolved; of a reference link, what it refers to
    int block_line;    // first line of the block in which it stands, from 1
};

struct ccmark_document;

// Parses markdown as UTF-8. Never fails but for lack of memory (NULL).
struct ccmark_document *ccmark_parse(const char *text, size_t length);
size_t ccmark_fence_count(const struct ccmark_document *document);
struct ccmark_fence ccmark_fence_at(const struct ccmark_document *document, size_t index);
size_t ccmark_link_count(const struct ccmark_document *document);
struct ccmark_link ccmark_link_at(const struct ccmark_document *document, size_t index);
// The plain texts of all headings, in order.
size_t ccmark_heading_count(const struct ccmark_document *document);
const char *ccmark_heading_at(const struct ccmark_document *document, size_t index);
void ccmark_free(struct ccmark_document *document);

#endif
