/*
 * The terminal: see top_screen.h.
 */
#include "client/command/top_screen.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <term.h>
#include <unistd.h>

enum {
    ESCAPE_MS = 50, /* the rest of an arrow key follows in that time */
    PAIR_GOOD = 1,
    PAIR_SLOW = 2,
    PAIR_BAD = 3,
};

struct top_screen {
    SCREEN *terminal;
    int signals;   /* a signalfd */
    sigset_t mask; /* as it was before */
    bool colours;
    uint32_t scroll; /* rows of the page's body above those shown */
    uint32_t body;   /* rows of the body that were shown last, and that there were */
    uint32_t body_count;
};

bool top_screen_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Without a cursor that can be placed there is nothing to draw on. */
static bool can_place(void)
{
    int result;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
        setupterm(NULL, STDOUT_FILENO, &result) != OK)
        return false;
    bool can = cursor_address != NULL && clear_screen != NULL;
    del_curterm(cur_term);
    return can;
}

/* In colours that can be read on a light ground as on a dark one. */
static bool begin_colours(void)
{
    const char *none = getenv("NO_COLOR"); /* no-color.org */
    if ((none != NULL && none[0] != '\0') || !has_colors() || start_color() != OK ||
        use_default_colors() != OK)
        return false;
    init_pair(PAIR_GOOD, COLOR_GREEN, -1);
    init_pair(PAIR_SLOW, COLOR_MAGENTA, -1);
    init_pair(PAIR_BAD, COLOR_RED, -1);
    return true;
}

static bool take_signals(struct top_screen *screen)
{
    static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, SIGCONT};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        sigaddset(&set, taken[i]);
    sigprocmask(SIG_BLOCK, &set, &screen->mask);
    screen->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return screen->signals >= 0;
}

struct top_screen *top_screen_open(void)
{
    struct top_screen *screen = can_place() ? calloc(1, sizeof *screen) : NULL;
    if (screen == NULL)
        return NULL;
    screen->signals = -1;
    if (take_signals(screen))
        screen->terminal = newterm(NULL, stdout, stdin);
    if (screen->terminal == NULL) {
        top_screen_close(&screen);
        return NULL;
    }
    set_escdelay(ESCAPE_MS);
    cbreak();
    noecho();
    nonl();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    curs_set(0);
    screen->colours = begin_colours();
    return screen;
}

void top_screen_close(struct top_screen **closing)
{
    struct top_screen *screen = *closing;
    if (screen == NULL)
        return;
    if (screen->terminal != NULL) {
        curs_set(1);
        endwin();
        delscreen(screen->terminal);
    }
    if (screen->signals >= 0)
        close(screen->signals);
    sigprocmask(SIG_SETMASK, &screen->mask, NULL);
    free(screen);
    *closing = NULL;
}

void top_screen_descriptors(const struct top_screen *screen, int descriptors[2])
{
    descriptors[0] = STDIN_FILENO;
    descriptors[1] = screen->signals;
}

uint32_t top_screen_columns(const struct top_screen *screen)
{
    (void)screen;
    return (uint32_t)getmaxx(stdscr);
}

static attr_t attributes_of(const struct top_screen *screen, enum top_style style)
{
    switch (style) {
    case TOP_STRONG:
        return A_BOLD;
    case TOP_WEAK:
        return A_DIM;
    case TOP_HEAD:
        return A_REVERSE;
    case TOP_GOOD:
        return screen->colours ? (attr_t)COLOR_PAIR(PAIR_GOOD) : A_NORMAL;
    case TOP_SLOW:
        return A_BOLD | (screen->colours ? (attr_t)COLOR_PAIR(PAIR_SLOW) : 0);
    case TOP_BAD:
        return A_BOLD | (screen->colours ? (attr_t)COLOR_PAIR(PAIR_BAD) : 0);
    default:
        return A_NORMAL;
    }
}

static void draw_row(const struct top_screen *screen, int y, const struct top_row *row)
{
    const char *text = row->text;
    move(y, 0);
    for (uint32_t i = 0; i < row->span_count; i++) {
        attrset((int)attributes_of(screen, row->spans[i].style));
        addnstr(text, row->spans[i].bytes);
        text += row->spans[i].bytes;
    }
    attrset(A_NORMAL);
}

/* On a narrow screen the keys are left out, but for the one that tells them. */
static void draw_keys(const struct top_screen *screen, int y)
{
    static const char *const all = "q quit  p pause  s sort  h help", *const few = "h help";
    char place[64] = "", line[128];
    if (screen->body_count > screen->body)
        snprintf(place, sizeof place, "  rows %u to %u of %u", screen->scroll + 1,
                 screen->scroll + screen->body, screen->body_count);
    bool narrow = strlen(all) + strlen(place) > (size_t)getmaxx(stdscr);
    snprintf(line, sizeof line, "%s%s", narrow ? few : all, place);
    attrset(A_DIM);
    mvaddnstr(y, 0, line, getmaxx(stdscr));
    attrset(A_NORMAL);
}

/* Where the head takes half of a low screen and more, it is scrolled with the rest. */
void top_screen_draw(struct top_screen *screen, const struct top_page *page)
{
    uint32_t rows = (uint32_t)getmaxy(stdscr);
    uint32_t head = 2 * page->head > rows ? 0 : page->head;
    uint32_t room = rows > head + 1 ? rows - head - 1 : 0;
    screen->body_count = page->count - head;
    uint32_t last = screen->body_count > room ? screen->body_count - room : 0;
    screen->scroll = screen->scroll < last ? screen->scroll : last;
    screen->body = room < screen->body_count ? room : screen->body_count;
    erase();
    for (uint32_t i = 0; i < head; i++)
        draw_row(screen, (int)i, &page->rows[i]);
    for (uint32_t i = 0; i < screen->body; i++)
        draw_row(screen, (int)(head + i), &page->rows[head + screen->scroll + i]);
    draw_keys(screen, (int)rows - 1);
    refresh();
}

static void resize(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
    clearok(curscr, TRUE);
}

/* Stop as whoever knows nothing of terminals would, and take it again when we go on. */
static void suspend(void)
{
    struct sigaction before, usual = {.sa_handler = SIG_DFL};
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    endwin();
    sigaction(SIGTSTP, &usual, &before);
    raise(SIGTSTP); /* which waits until it is let through */
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    sigaction(SIGTSTP, &before, NULL);
    refresh();
    resize();
}

static enum top_key take_signal(uint32_t number)
{
    switch (number) {
    case SIGTSTP:
        suspend();
        return TOP_KEY_NONE;
    case SIGCONT:
        reset_prog_mode();
        resize();
        return TOP_KEY_NONE;
    case SIGWINCH:
        resize();
        return TOP_KEY_NONE;
    default:
        return TOP_KEY_QUIT;
    }
}

static void scroll_by(struct top_screen *screen, uint32_t down, uint32_t up)
{
    screen->scroll = screen->scroll + down > up ? screen->scroll + down - up : 0;
}

static enum top_key take_letter(struct top_screen *screen, int letter)
{
    switch (letter) {
    case 'q':
    case 'Q':
        return TOP_KEY_QUIT;
    case 'p':
    case ' ':
        return TOP_KEY_PAUSE;
    case 's':
        return TOP_KEY_SORT;
    case 'h':
    case '?':
        return TOP_KEY_HELP;
    case KEY_DOWN:
    case 'j':
        scroll_by(screen, 1, 0);
        break;
    case KEY_UP:
    case 'k':
        scroll_by(screen, 0, 1);
        break;
    case KEY_NPAGE:
        scroll_by(screen, screen->body, 0);
        break;
    case KEY_PPAGE:
        scroll_by(screen, 0, screen->body);
        break;
    case KEY_HOME:
        screen->scroll = 0;
        break;
    case KEY_END:
        screen->scroll = screen->body_count;
        break;
    }
    return TOP_KEY_NONE;
}

/* A terminal that was hung up can be read for ever, and says nothing. */
static bool is_gone(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

enum top_key top_screen_key(struct top_screen *screen)
{
    struct signalfd_siginfo signal;
    enum top_key key = TOP_KEY_NONE;
    while (key == TOP_KEY_NONE && read(screen->signals, &signal, sizeof signal) > 0)
        key = take_signal(signal.ssi_signo);
    for (int letter; key == TOP_KEY_NONE && (letter = getch()) != ERR;)
        key = take_letter(screen, letter);
    return key == TOP_KEY_NONE && is_gone() ? TOP_KEY_QUIT : key;
}
