/*
 * The words of an explained slot: see explain_lines.h.
 */
#include "client/command/explain_lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 5))) static void
add_line(struct explain_panel *panel, enum drawing_ink ink, bool bold, const char *format, ...)
{
    if (panel->line_count == EXPLAIN_LINES_MAX)
        return;
    struct explain_line *line = &panel->lines[panel->line_count++];
    line->ink = ink;
    line->bold = bold;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->text, sizeof line->text, format, arguments);
    va_end(arguments);
}

static void add_box(struct explain_panel *panel, enum drawing_ink ink, const char *what,
                    const int32_t box[4])
{
    char text[SLOTS_BOX_BYTES];
    if (!slots_is_box(box))
        return;
    slots_box_text(box, text);
    add_line(panel, ink, false, "%s %s", what, text);
}

static void copy_box(int32_t box[4], const int32_t *boxes, uint32_t slot)
{
    memset(box, 0, 4 * sizeof *box);
    if (boxes != NULL)
        memcpy(box, &boxes[4 * (size_t)slot], 4 * sizeof *box);
}

static void name_sample(char sample[EXPLAIN_SAMPLE_BYTES], uint64_t index, bool mirrored)
{
    snprintf(sample, EXPLAIN_SAMPLE_BYTES, "sample %" PRIu64 "%s", index,
             mirrored ? ", mirrored" : "");
}

/* A partner is another slot, which has what was drawn in its own place, or has a place of its own
 * for that. */
static void describe_partner(const struct slots *slots, uint32_t slot, int64_t partner_slot,
                             struct explain_panel *panel, struct explain_texts *texts)
{
    bool mirrored = false;
    if (slots->partner_flip != NULL) {
        mirrored = slots->partner_flip[slot];
        copy_box(panel->partner_erased, slots->partner_erase, slot);
    } else if (partner_slot >= 0) {
        mirrored = slots->flip[partner_slot];
        copy_box(panel->partner_erased, slots->erase, (uint32_t)partner_slot);
    }
    name_sample(texts->partner_sample, slots->partner_index[slot], mirrored);
    add_box(panel, INK_ALERT, "partner erased", panel->partner_erased);
}

static void describe_replaced(const struct slots *slots, uint32_t picture, const char *what,
                              struct explain_panel *panel)
{
    const struct stk_replaced *row = slots_replaced(slots, picture);
    if (row != NULL)
        add_line(panel, INK_ALERT, true, "%s instead of %" PRIu64 ": %.*s", what, row->index,
                 (int)row->reason.len, row->reason.data);
}

static void describe_mixing(const struct slots *slots, uint32_t slot, int64_t partner_slot,
                            struct explain_panel *panel, struct explain_texts *texts)
{
    bool mixed = panel->share < 1;
    copy_box(panel->cut, slots->cut, slot);
    copy_box(panel->erased, slots->erase, slot);
    copy_box(panel->partner_erased, NULL, slot);
    if (mixed)
        add_line(panel, INK_TEXT, false, "%s, lambda %.4f",
                 slots_is_box(panel->cut) ? "CutMix" : "mixup", panel->share);
    else
        add_line(panel, INK_TEXT, false, "not mixed, lambda 1");
    add_box(panel, INK_PARTNER, "cut", panel->cut);
    add_box(panel, INK_ALERT, "erased", panel->erased);
    if (mixed)
        describe_partner(slots, slot, partner_slot, panel, texts);
    describe_replaced(slots, slot, "sample", panel);
    describe_replaced(slots, slots->count + slot, "partner", panel);
}

static void describe_target(const struct slots *slots, const struct class_names *classes,
                            uint32_t slot, struct explain_panel *panel)
{
    struct slots_entry entries[SLOTS_ENTRIES_MAX];
    uint32_t count =
        slots_entries(slots->target + (size_t)slot * slots->columns, slots->columns, entries);
    for (uint32_t i = 0; i < count && i < SLOTS_ENTRIES_MAX; i++)
        add_line(panel, INK_QUIET, false, "%.4f  %s", (double)entries[i].value,
                 class_names_get(classes, (int32_t)entries[i].column));
    if (count == 0)
        add_line(panel, INK_QUIET, false, "0 everywhere");
    if (count > SLOTS_ENTRIES_MAX)
        add_line(panel, INK_QUIET, false, "and %" PRIu32 " more", count - SLOTS_ENTRIES_MAX);
}

static void describe_label(const struct slots *slots, const struct class_names *classes,
                           uint32_t slot, struct explain_panel *panel)
{
    add_line(panel, INK_TEXT, true, slots->target != NULL ? "target" : "soft label, not smoothed");
    if (slots->target != NULL) {
        describe_target(slots, classes, slot, panel);
    } else if (slots->label[slot] == slots->partner_label[slot]) {
        add_line(panel, INK_QUIET, false, "%.4f  %s", 1.0, panel->label);
    } else {
        add_line(panel, INK_QUIET, false, "%.4f  %s", panel->share, panel->label);
        add_line(panel, INK_QUIET, false, "%.4f  %s", 1.0 - panel->share, panel->partner_label);
    }
}

static const char *name_label(const struct class_names *classes, int32_t label)
{
    return label < 0 ? "label: see target" : class_names_get(classes, label);
}

void explain_describe(const struct slots *slots, const struct class_names *classes, uint32_t slot,
                      int64_t partner_slot, struct explain_panel *panel,
                      struct explain_texts *texts)
{
    panel->label = name_label(classes, slots->label[slot]);
    panel->partner_label = name_label(classes, slots->partner_label[slot]);
    panel->sample = texts->sample;
    panel->partner_sample = texts->partner_sample;
    panel->share = (double)slots->lambda[slot];
    panel->line_count = 0;
    name_sample(texts->sample, slots->index[slot], slots->flip[slot]);
    add_line(panel, INK_TEXT, true, "slot %" PRIu32 "%s", slot,
             slots_valid(slots, slot) ? "" : ", not valid");
    describe_mixing(slots, slot, partner_slot, panel, texts);
    describe_label(slots, classes, slot, panel);
}
