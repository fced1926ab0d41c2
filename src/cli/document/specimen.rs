//! A specimen with the type, the pixels and the length of another file.

use super::canvas::{Canvas, Colour};
use super::{drawing, jpeg, png};

/// Smaller pictures have no room for words.
const DRAWN_SIDE_MIN: usize = 64;

const SIDE_MAX: usize = 4096;

/// More than any endpoint takes.
const BYTES_MAX: usize = 16 << 20;

/// A file of this media type and of `[width, height]` pixels. It has `bytes` bytes, or as few as the picture can have.
pub(crate) fn specimen(media_type: &str, pixels: [usize; 2], bytes: usize) -> Vec<u8> {
    let bytes = bytes.min(BYTES_MAX);
    match media_type {
        "image/png" => {
            let canvas = canvas(pixels);
            let filled = png::encode(&canvas, Some(bytes as u64));
            filled
                .or_else(|_| png::encode(&canvas, None))
                .unwrap_or_default()
        }
        "image/jpeg" => jpeg::encode(&canvas(pixels), bytes),
        _ => {
            let words = b"This is a specimen and not a real document. ".iter();
            words.cycle().take(bytes).copied().collect()
        }
    }
}

fn canvas(pixels: [usize; 2]) -> Canvas {
    let [width, height] = pixels.map(|side| side.clamp(1, SIDE_MAX));
    if width.min(height) < DRAWN_SIDE_MIN {
        return Canvas::new(width, height, Colour::Paper);
    }
    drawing::card(width, height, None)
}
