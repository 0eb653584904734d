#include "CCmark.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <stdlib.h>
#include <string.h>

struct ccmark_document {
    cmark_node *root;
    struct ccmark_fence *fences;
    size_t count;
    size_t room;
    char **headings;
    size_t heading_count;
    size_t heading_room;
    struct ccmark_link *links;
    size_t link_count;
    size_t link_room;
};

// The plain text of a heading, freed with the document.
static const char *heading_text(struct ccmark_document *document, cmark_node *heading) {
    if (document->heading_count == document->heading_room) {
        size_t room = document->heading_room ? document->heading_room * 2 : 16;
        char **grown = realloc(document->headings, room * sizeof *grown);
        if (!grown) return "";
        document->headings = grown;
        document->heading_room = room;
    }
    size_t length = 0;
    char *text = calloc(1, 1);
    cmark_iter *iterator = cmark_iter_new(heading);
    cmark_event_type event;
    while (text && (event = cmark_iter_next(iterator)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iterator);
        cmark_node_type type = cmark_node_get_type(node);
        if (event != CMARK_EVENT_ENTER || (type != CMARK_NODE_TEXT && type != CMARK_NODE_CODE)) continue;
        const char *piece = cmark_node_get_literal(node);
        if (!piece) continue;
        size_t more = strlen(piece);
        char *grown = realloc(text, length + more + 1);
        if (!grown) break;
        text = grown;
        memcpy(text + length, piece, more + 1);
        length += more;
    }
    cmark_iter_free(iterator);
    if (!text) return "";
    document->headings[document->heading_count++] = text;
    return text;
}

static void add(struct ccmark_document *document, cmark_node *node, int level, const char *heading) {
    if (document->count == document->room) {
        size_t room = document->room ? document->room * 2 : 16;
        struct ccmark_fence *grown = realloc(document->fences, room * sizeof *grown);
        if (!grown) return;
        document->fences = grown;
        document->room = room;
    }
    const char *info = cmark_node_get_fence_info(node);
    const char *literal = cmark_node_get_literal(node);
    document->fences[document->count++] = (struct ccmark_fence){
        .info = info ? info : "",
        .literal = literal ? literal : "",
        .first_line = cmark_node_get_start_line(node),
        .last_line = cmark_node_get_end_line(node),
        .heading_level = level,
        .heading = heading,
    };
}

static void add_link(struct ccmark_document *document, cmark_node *node) {
    const char *url = cmark_node_get_url(node);
    if (!url) return;
    if (document->link_count == document->link_room) {
        size_t room = document->link_room ? document->link_room * 2 : 16;
        struct ccmark_link *grown = realloc(document->links, room * sizeof *grown);
        if (!grown) return;
        document->links = grown;
        document->link_room = room;
    }
    // Lines of inline nodes depend on the version of the library; those of blocks do not.
    cmark_node *block = node;
    for (cmark_node *up = node; up; up = cmark_node_parent(up)) {
        cmark_node_type type = cmark_node_get_type(up);
        block = up;
        if (type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HEADING) break;
    }
    document->links[document->link_count++] =
        (struct ccmark_link){.url = url, .block_line = cmark_node_get_start_line(block)};
}

struct ccmark_document *ccmark_parse(const char *text, size_t length) {
    struct ccmark_document *document = calloc(1, sizeof *document);
    if (!document) return NULL;
    cmark_gfm_core_extensions_ensure_registered();
    document->root = cmark_parse_document(text, length, CMARK_OPT_DEFAULT);
    if (!document->root) {
        free(document);
        return NULL;
    }
    int level = 0;
    const char *heading = "";
    cmark_iter *iterator = cmark_iter_new(document->root);
    cmark_event_type event;
    while ((event = cmark_iter_next(iterator)) != CMARK_EVENT_DONE) {
        if (event != CMARK_EVENT_ENTER) continue;
        cmark_node *node = cmark_iter_get_node(iterator);
        if (cmark_node_get_type(node) == CMARK_NODE_HEADING) {
            level = cmark_node_get_heading_level(node);
            heading = heading_text(document, node);
        } else if (cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK) {
            int size, offset;
            char character;
            if (cmark_node_get_fenced(node, &size, &offset, &character)) add(document, node, level, heading);
        } else if (cmark_node_get_type(node) == CMARK_NODE_LINK || cmark_node_get_type(node) == CMARK_NODE_IMAGE) {
            add_link(document, node);
        }
    }
    cmark_iter_free(iterator);
    return document;
}

size_t ccmark_fence_count(const struct ccmark_document *document) { return document->count; }

struct ccmark_fence ccmark_fence_at(const struct ccmark_document *document, size_t index) {
    return document->fences[index];
}

size_t ccmark_link_count(const struct ccmark_document *document) { return document->link_count; }

struct ccmark_link ccmark_link_at(const struct ccmark_document *document, size_t index) {
    return document->links[index];
}

size_t ccmark_heading_count(const struct ccmark_document *document) { return document->heading_count; }

const char *ccmark_heading_at(const struct ccmark_document *document, size_t index) {
    return document->headings[index];
}

void ccmark_free(struct ccmark_document *document) {
    if (!document) return;
    cmark_node_free(document->root);
    for (size_t i = 0; i < document->heading_count; i++) free(document->headings[i]);
    free(document->headings);
    free(document->links);
    free(document->fences);
    free(document);
}
