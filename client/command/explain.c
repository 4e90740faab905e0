/*
 * The explained sheet: see explain.h.
 */
#include "client/command/explain.h"

/* All in pixels. */
enum {
    GAP = 12,
    LINES_WIDTH = 250,
    LINE_HEIGHT = 18,
    BAR_TOP = 6,     /* below the picture */
    LABEL_BASE = 26, /* below the picture */
    SAMPLE_BASE = 42,
    CAPTION_HEIGHT = 48,
};

static const double label_points = 13.0;
static const double line_points = 12.0;

void explain_layout(uint32_t height, uint32_t width, uint32_t count, struct sheet_grid *grid,
                    uint32_t *picture_step)
{
    struct drawing_size size = drawing_fit(height, width);
    grid->picture_height = size.height;
    grid->picture_width = size.width;
    *picture_step = drawing_larger(size.width, DRAWING_COLUMN_MIN) + GAP;
    sheet_arrange(drawing_larger(size.height + CAPTION_HEIGHT, EXPLAIN_LINES_MAX * LINE_HEIGHT),
                  3 * *picture_step + LINES_WIDTH, count, grid);
}

static void draw_lines(struct drawing *drawing, double x, double y,
                       const struct explain_panel *panel)
{
    for (uint32_t i = 0; i < panel->line_count; i++) {
        const struct explain_line *line = &panel->lines[i];
        drawing_font(drawing, line_points, line->bold);
        drawing_text(drawing, line->ink, x, y + line_points + i * (double)LINE_HEIGHT, LINES_WIDTH,
                     line->text);
    }
}

static void draw_caption(struct drawing *drawing, enum drawing_ink ink, double x, double y,
                         double width, const char *label, const char *sample)
{
    drawing_font(drawing, label_points, true);
    drawing_text(drawing, ink, x, y + LABEL_BASE, width, label);
    drawing_font(drawing, line_points, false);
    drawing_text(drawing, INK_QUIET, x, y + SAMPLE_BASE, width, sample);
}

static void draw_panel(struct drawing *drawing, double x, double y, uint32_t step, uint32_t height,
                       uint32_t width, const struct explain_panel *panel)
{
    struct drawing_size size = drawing_fit(height, width);
    double below = y + size.height;
    double room = (double)step - GAP;
    drawing_picture(drawing, x, y, height, width, panel->own);
    drawing_outline(drawing, INK_ALERT, x, y, height, width, panel->erased);
    draw_caption(drawing, INK_OWN, x, below, room, panel->label, panel->sample);
    x += step;
    if (panel->partner != NULL) {
        drawing_picture(drawing, x, y, height, width, panel->partner);
        drawing_outline(drawing, INK_ALERT, x, y, height, width, panel->partner_erased);
        drawing_outline(drawing, INK_PARTNER, x, y, height, width, panel->cut);
        draw_caption(drawing, INK_PARTNER, x, below, room, panel->partner_label,
                     panel->partner_sample);
    }
    x += step;
    drawing_picture(drawing, x, y, height, width, panel->served);
    drawing_outline(drawing, INK_PARTNER, x, y, height, width, panel->cut);
    drawing_bar(drawing, x, below + BAR_TOP, room, panel->partner == NULL ? 1.0 : panel->share);
    draw_lines(drawing, x + step, y, panel);
}

enum stk_status explain_write(const char *path, const char *title, uint32_t height, uint32_t width,
                              const struct explain_panel *panels, uint32_t count, char *error)
{
    struct sheet_grid grid;
    uint32_t picture_step;
    explain_layout(height, width, count, &grid, &picture_step);
    struct drawing *drawing;
    if (drawing_open(grid.height, grid.width, title, &drawing) != STK_OK)
        return drawing_fail_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        double x = grid.left + (double)(i % grid.columns) * grid.column_step;
        double y = grid.top + (double)(i / grid.columns) * grid.row_step;
        draw_panel(drawing, x, y, picture_step, height, width, &panels[i]);
    }
    enum stk_status status = drawing_save(drawing, path, error);
    drawing_close(&drawing);
    return status;
}
