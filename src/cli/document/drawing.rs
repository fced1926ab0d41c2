//! Draws pictures that could not pass for a document, and that say so in words.

use super::canvas::{Canvas, Colour, LETTER, scale_to_fit};

const WATERMARK: &str = "SPECIMEN - NOT A REAL DOCUMENT   ";

pub(super) fn card(width: usize, height: usize, magic: Option<&str>) -> Canvas {
    let mut canvas = watermarked(width, height);
    let margin = height / 20;
    canvas.rectangle((0, 0), (width, height / 7), Colour::Figure);
    canvas.centred(
        height / 24,
        (width * 9 / 10, height / 14),
        "IDENTITY CARD OF NOBODY",
        Colour::White,
    );
    let portrait = (width / 4, height * 2 / 5);
    let corner = (width - margin - portrait.0, height / 5);
    canvas.rectangle(corner, portrait, Colour::White);
    figure(&mut canvas, corner, portrait);
    let lines = [
        "NUMBER  0000000000000000",
        "NAME    NO ONE AT ALL",
        "BORN    00-00-0000",
        "PLACE   NOWHERE",
    ];
    let room = corner.0.saturating_sub(2 * margin);
    let scale = scale_to_fit(lines[0], room, height / 20);
    for (line, words) in lines.into_iter().enumerate() {
        let top = height / 5 + line * height / 10;
        canvas.text((margin, top), scale, words, Colour::Ink);
    }
    words(&mut canvas, magic);
    canvas
}

pub(super) fn selfie(width: usize, height: usize, magic: Option<&str>) -> Canvas {
    let mut canvas = watermarked(width, height);
    let frame = (width * 3 / 5, height * 11 / 20);
    figure(&mut canvas, (width / 5, height / 20), frame);
    words(&mut canvas, magic);
    canvas
}

/// A canvas full of rows of the same words, each row shifted a little.
fn watermarked(width: usize, height: usize) -> Canvas {
    let mut canvas = Canvas::new(width, height, Colour::Paper);
    let scale = (height / 320).max(1);
    let row = LETTER * scale * 2;
    let repeated = WATERMARK.repeat(width / (WATERMARK.len() * LETTER * scale) + 2);
    for (at, top) in (0..height).step_by(row).enumerate() {
        let pushed = &repeated[at * 5 % WATERMARK.len()..];
        canvas.text((0, top), scale, pushed, Colour::Watermark);
    }
    canvas
}

/// Head and shoulders in a frame, without a face.
fn figure(canvas: &mut Canvas, (left, top): (usize, usize), (width, height): (usize, usize)) {
    let middle = left + width / 2;
    let floor = top + height;
    let head = (width / 5, height / 4);
    canvas.ellipse((middle, top + height * 3 / 10), head, floor, Colour::Figure);
    let shoulders = (width * 2 / 5, height * 2 / 5);
    canvas.ellipse((middle, floor), shoulders, floor, Colour::Figure);
}

/// Writes what the picture is and which outcome it asks for, across the lower third.
fn words(canvas: &mut Canvas, magic: Option<&str>) {
    let (width, height) = (canvas.width, canvas.height);
    let band = height * 13 / 20;
    let room = width * 19 / 20;
    canvas.rectangle((0, band), (width, height / 5), Colour::Red);
    canvas.centred(
        band + height / 60,
        (room, height / 10),
        "SPECIMEN",
        Colour::White,
    );
    canvas.centred(
        band + height / 8,
        (room, height / 16),
        "NOT A REAL DOCUMENT",
        Colour::White,
    );
    if let Some(magic) = magic {
        canvas.centred(height * 9 / 10, (room, height / 16), magic, Colour::Ink);
    }
}
