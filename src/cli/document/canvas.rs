//! A picture in the colours of a palette, and what can be drawn on it.

use font8x8::legacy::BASIC_LEGACY;

/// A picture. Each pixel is an index into [`PALETTE`], row by row.
pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

/// Red, green, blue.
pub(super) const PALETTE: [[u8; 3]; 6] = [
    [0xf4, 0xf1, 0xe8],
    [0xdd, 0xd6, 0xc2],
    [0x2b, 0x2b, 0x33],
    [0xc4, 0x1e, 0x1e],
    [0x8f, 0xa3, 0xb8],
    [0xff, 0xff, 0xff],
];

#[derive(Clone, Copy)]
pub(super) enum Colour {
    Paper,
    Watermark,
    Ink,
    Red,
    Figure,
    White,
}

/// How wide and high a letter is, unscaled.
pub(super) const LETTER: usize = 8;

impl Canvas {
    pub(super) fn new(width: usize, height: usize, colour: Colour) -> Self {
        Self {
            width,
            height,
            pixels: vec![colour as u8; width * height],
        }
    }

    /// Outside of the picture nothing is drawn.
    fn dot(&mut self, x: usize, y: usize, colour: Colour) {
        if x < self.width && y < self.height {
            self.pixels[y * self.width + x] = colour as u8;
        }
    }

    pub(super) fn rectangle(
        &mut self,
        (left, top): (usize, usize),
        (width, height): (usize, usize),
        colour: Colour,
    ) {
        for y in top..top + height {
            for x in left..left + width {
                self.dot(x, y, colour);
            }
        }
    }

    /// Draws an ellipse around a middle, above `floor` only.
    pub(super) fn ellipse(
        &mut self,
        (middle_x, middle_y): (usize, usize),
        (radius_x, radius_y): (usize, usize),
        floor: usize,
        colour: Colour,
    ) {
        let (rx, ry) = (radius_x.max(1), radius_y.max(1));
        for y in middle_y.saturating_sub(ry)..(middle_y + ry).min(floor) {
            for x in middle_x.saturating_sub(rx)..middle_x + rx {
                let (dx, dy) = (x.abs_diff(middle_x), y.abs_diff(middle_y));
                if dx * dx * ry * ry + dy * dy * rx * rx <= rx * rx * ry * ry {
                    self.dot(x, y, colour);
                }
            }
        }
    }

    /// Draws words of printable ASCII. Each pixel of a letter is a square of `scale` pixels.
    pub(super) fn text(
        &mut self,
        (left, top): (usize, usize),
        scale: usize,
        words: &str,
        colour: Colour,
    ) {
        for (at, letter) in words.chars().enumerate() {
            let glyph = BASIC_LEGACY.get(letter as usize);
            let rows = glyph.copied().unwrap_or_default().into_iter();
            for (row, bits) in rows.enumerate() {
                for column in (0..LETTER).filter(|column| bits >> column & 1 == 1) {
                    let x = left + (at * LETTER + column) * scale;
                    self.rectangle((x, top + row * scale), (scale, scale), colour);
                }
            }
        }
    }

    /// Draws words in the middle of the width, as large as they fit into a box.
    pub(super) fn centred(
        &mut self,
        top: usize,
        (width, height): (usize, usize),
        words: &str,
        colour: Colour,
    ) {
        let scale = scale_to_fit(words, width, height);
        let taken = words.len() * LETTER * scale;
        let left = self.width.saturating_sub(taken) / 2;
        self.text((left, top), scale, words, colour);
    }
}

/// The largest scale at which words fit into a box, or 1 if none does.
pub(super) fn scale_to_fit(words: &str, width: usize, height: usize) -> usize {
    let letters = words.len().max(1) * LETTER;
    (width / letters).min(height / LETTER).max(1)
}
