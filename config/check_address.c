/*
 * Checks of a stream's addresses: which samples its epochs hold, and what their ends are.
 */
#include "config/check.h"

static enum stk_status check_replacement(const struct config_report *report,
                                         const struct config_lines *lines,
                                         const struct recipe *recipe)
{
    if (recipe->sampler == SAMPLER_ALL && recipe->epoch_samples > 0)
        return config_fail(report, config_line_of(lines, CONFIG_STREAM, "epoch_samples"),
                           "\"epoch_samples\" is %llu, but sampler = all takes every sample once; "
                           "remove it, or set sampler to weighted or balanced",
                           (unsigned long long)recipe->epoch_samples);
    if (recipe->sampler != SAMPLER_ALL && recipe->order == ORDER_SEQUENTIAL)
        return config_fail(report, config_line_of(lines, CONFIG_STREAM, "sampler"),
                           "\"sampler\" is %s, which draws at random; with order = sequential it "
                           "must be all",
                           recipe_sampler_words.list[recipe->sampler]);
    return STK_OK;
}

static enum stk_status check_repeat(const struct config_report *report,
                                    const struct config_lines *lines, const struct recipe *recipe)
{
    if (recipe->repeat == 1)
        return STK_OK;
    unsigned line = config_line_of(lines, CONFIG_STREAM, "repeat");
    if (recipe->order == ORDER_SEQUENTIAL)
        return config_fail(report, line,
                           "\"repeat\" is %u, which is for augmented training; with order = "
                           "sequential it must be 1",
                           (unsigned)recipe->repeat);
    if (recipe->last == STK_LAST_MASK)
        return config_fail(report, line,
                           "\"repeat\" is %u, but last = mask counts every sample once; set "
                           "repeat to 1, or last to drop, partial or wrap",
                           (unsigned)recipe->repeat);
    return STK_OK;
}

/* A slot that counts must not be mixed with one that does not. */
static enum stk_status check_mask(const struct config_report *report,
                                  const struct config_lines *lines, const struct recipe *recipe)
{
    if (recipe->last != STK_LAST_MASK || recipe->mix.method == MIX_NONE)
        return STK_OK;
    return config_fail(report, config_line_of(lines, CONFIG_STREAM, "last"),
                       "\"last\" is mask, which is for evaluation, in a stream that mixes; remove "
                       "its mix section, or set last to drop, partial or wrap");
}

enum stk_status config_check_phase(const struct config_report *report,
                                   const struct config_lines *lines,
                                   const struct config_stream *stream)
{
    const struct recipe *recipe = &stream->recipe;
    uint32_t number = recipe->phase_count;
    const struct recipe_phase *phase = &recipe->phases[number - 1];
    struct recipe before = recipe_in_phase(recipe, number - 1);
    uint32_t from_before = number > 1 ? recipe->phases[number - 2].from_epoch : 0;
    unsigned line = config_line_of(lines, CONFIG_PHASE, "from_epoch");
    if (line == 0)
        return config_fail(report, stream->line,
                           "phase %u of stream \"%s\" has no \"from_epoch\"; say from which epoch "
                           "on it holds",
                           (unsigned)number, stream->name);
    if (phase->from_epoch <= from_before)
        return config_fail(report, line,
                           "\"from_epoch\" is %u behind a phase from epoch %u; phases stand in the "
                           "order of their epochs",
                           (unsigned)phase->from_epoch, (unsigned)from_before);
    if (phase->batch == before.batch && phase->height == before.height &&
        phase->width == before.width)
        return config_fail(report, line,
                           "the phase from epoch %u changes nothing; give it another \"size\" or "
                           "\"batch\", or remove it",
                           (unsigned)phase->from_epoch);
    return config_check_mix_batch(report, config_line_of(lines, CONFIG_PHASE, "batch"),
                                  &recipe->mix, phase->batch);
}

enum stk_status config_check_address(const struct config_report *report,
                                     const struct config_lines *lines,
                                     const struct config_stream *stream)
{
    const struct recipe *recipe = &stream->recipe;
    enum stk_status status = check_replacement(report, lines, recipe);
    if (status == STK_OK)
        status = check_repeat(report, lines, recipe);
    if (status == STK_OK)
        status = check_mask(report, lines, recipe);
    return status;
}
