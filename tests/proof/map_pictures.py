"""Draws evidence maps: of one clip untouched and planted in one scale of colours, and what lies between them."""
import numpy
from PIL import Image, ImageDraw, ImageFont

# Dark blue over green to yellow: light always grows, so that it is read without its colours too.
LEVELS = numpy.array([(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)], float)
DIFFERENCES = numpy.array([(33, 102, 172), (146, 197, 222), (247, 247, 247), (244, 165, 130), (178, 24, 43)], float)
NOTHING = (205, 205, 205)
INK, GREY, RED = (40, 40, 40), (130, 130, 130), (178, 24, 43)
PANEL = 208  # pixels of a map across
LEFT, TOP, GAP, LEGEND, BOTTOM = 48, 28, 14, 84, 40


def font(size):
    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default()


def signed(value, digits):
    return f"{value:.{digits}f}".replace("-", "\u2212")


def shade(values, scale, colours):
    """[rows, columns, 3] bytes; NaN grey."""
    low, high = scale
    at = numpy.nan_to_num((values - low) / max(high - low, 1e-9)).clip(0, 1) * (len(colours) - 1)
    begin = numpy.minimum(at.astype(int), len(colours) - 2)
    mixed = colours[begin] + (at - begin)[..., None] * (colours[begin + 1] - colours[begin])
    return numpy.where(numpy.isnan(values)[..., None], NOTHING, mixed).round().astype(numpy.uint8)


class Picture:
    """Three panels: the first two share a legend."""

    def __init__(self, height):
        self.height = height
        self.image = Image.new("RGB", (LEFT + 3 * PANEL + 3 * GAP + 2 * LEGEND, TOP + height + BOTTOM), "white")
        self.draw = ImageDraw.Draw(self.image)

    def text(self, at, words, anchor="mm", size=11, colour=INK):
        self.draw.text(at, words, colour, font(size), anchor)

    def left_of(self, panel):
        return LEFT + panel * (PANEL + GAP) + (LEGEND + GAP if panel == 2 else 0)

    def title(self, panel, words):
        self.text((self.left_of(panel) + PANEL / 2, TOP - 13), words, size=12)

    def show(self, panel, values, scale, colours):
        cells = Image.fromarray(shade(values, scale, colours))
        self.image.paste(cells.resize((PANEL, self.height), Image.Resampling.NEAREST), (self.left_of(panel), TOP))

    def outline(self, panel, middle, half):
        """An ellipse, as much of it as lies in the panel; pixels of the panel."""
        inside = self.image.crop((self.left_of(panel), TOP, self.left_of(panel) + PANEL, TOP + self.height))
        draw = ImageDraw.Draw(inside)
        for more, width, colour in ((1, 4, (0, 0, 0)), (0, 2, "white")):
            draw.ellipse([at + sign * (axis + more) for sign in (-1, 1) for at, axis in zip(middle, half)], outline=colour, width=width)
        self.image.paste(inside, (self.left_of(panel), TOP))

    def legend(self, panel, scale, colours):
        left = self.left_of(panel) + PANEL + GAP
        ramp = numpy.linspace(scale[1], scale[0], 100)[:, None]
        self.image.paste(Image.fromarray(shade(ramp, scale, colours)).resize((14, self.height)), (left, TOP))
        digits = 2 if scale[1] - scale[0] < 4 else 1
        for k in range(5):
            value = scale[1] + (scale[0] - scale[1]) * k / 4
            self.text((left + 19, TOP + k * (self.height - 1) / 4), signed(value, digits), "lm")

    def save(self, path):
        self.image.save(path, optimize=True)


def scale_of(*maps):
    """From what one in a hundred values lies below to what one in a hundred lies above, of all maps."""
    values = numpy.concatenate([values[~numpy.isnan(values)] for values in maps])
    return numpy.percentile(values, 1), numpy.percentile(values, 99)


def draw_places(path, untouched, planted, reach, half):
    """Both [cells, cells]; `half` axes of the planted ellipse in sides of the face, as `reach`."""
    known = ~(numpy.isnan(untouched) & numpy.isnan(planted))
    rows, columns = (numpy.flatnonzero(known.any(axis))[[0, -1]] for axis in (1, 0))
    cut = numpy.s_[rows[0]:rows[1] + 1, columns[0]:columns[1] + 1]
    cell = PANEL / (columns[1] + 1 - columns[0])
    side = cell * (len(planted) - 1) / (2 * reach)
    picture = Picture(round(cell * (rows[1] + 1 - rows[0])))
    difference = planted - untouched
    most = numpy.nanpercentile(abs(difference), 99)
    scales = (scale_of(untouched, planted), LEVELS), ((-most, most), DIFFERENCES)
    for panel, (title, values, scale) in enumerate((("untouched", untouched, scales[0]), ("planted", planted, scales[0]),
                                                    ("planted \u2212 untouched", difference, scales[1]))):
        picture.title(panel, title)
        picture.show(panel, values[cut], *scale)
        x, y = (((len(planted) - 1) / 2 - first + 0.5) * cell for first in (columns[0], rows[0]))  # of the face's middle
        picture.outline(panel, (x, y), [axis * side for axis in half])
        for place in (-1, -0.5, 0, 0.5, 1):
            if 0 < x + place * side < PANEL:
                picture.text((picture.left_of(panel) + x + place * side, TOP + picture.height + 9), signed(place, 1))
            if panel == 0 and 0 < y + place * side < picture.height:
                picture.text((LEFT - 6, TOP + y + place * side), signed(place, 1), "rm")
    picture.text((LEFT + PANEL + GAP / 2, TOP + picture.height + 26), "place beside the middle of the face, in sides of its box")
    picture.legend(1, *scales[0])
    picture.legend(2, *scales[1])
    picture.save(path)


def draw_offsets(path, untouched, planted, offsets, seconds):
    """Both [offsets, windows]; the third panel is the mean of the windows."""
    picture = Picture(PANEL)
    scale = scale_of(untouched, planted)
    cell = PANEL / len(offsets)
    height_of = lambda offset: TOP + PANEL / 2 - offset / (offsets[1] - offsets[0]) * cell  # noqa: E731
    for panel, (title, values) in enumerate((("untouched", untouched), ("planted", planted))):
        picture.title(panel, title)
        picture.show(panel, values[::-1], scale, LEVELS)
        left = picture.left_of(panel)
        picture.draw.rectangle((left, height_of(0) - cell / 2, left + PANEL - 1, height_of(0) + cell / 2), outline="white")
        for k in (0, len(seconds) - 1):
            picture.text((left + (12 if k == 0 else PANEL - 12), TOP + PANEL + 9), f"{seconds[k]:.1f} s")
    picture.text((LEFT + PANEL + GAP / 2, TOP + PANEL + 26), "begin of the window; upwards: sound from so many seconds later")
    picture.legend(1, scale, LEVELS)
    picture.title(2, "mean of the windows")
    left = picture.left_of(2)
    picture.draw.rectangle((left, TOP, left + PANEL - 1, TOP + PANEL - 1), outline=GREY)
    picture.draw.line((left, height_of(0), left + PANEL - 1, height_of(0)), fill=NOTHING)
    means = [numpy.nanmean(values, 1) for values in (untouched, planted)]
    low, high = numpy.nanmin(means), numpy.nanmax(means)
    for values, colour, words, line in zip(means, (GREY, RED), ("untouched", "planted"), (0, 1)):
        across = left + 8 + (values - low) / (high - low) * (PANEL - 16)
        picture.draw.line([(x, height_of(offset)) for x, offset in zip(across, offsets)], fill=colour, width=2)
        picture.text((left + PANEL + GAP, TOP + 10 + 18 * line), words, "lm", colour=colour)
    for value, anchor, x in ((low, "lm", left), (high, "rm", left + PANEL)):
        picture.text((x, TOP + PANEL + 9), signed(value, 3), anchor)
    for offset in (-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6):
        for x in (LEFT, left):
            picture.text((x - 5, height_of(offset)), signed(offset, 1), "rm")
    picture.save(path)
