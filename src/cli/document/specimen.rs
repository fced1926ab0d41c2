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
            png::encode(&canvas, Some(bytes as u64))
                .unwrap_or_else(|_| png::blank(canvas.width, canvas.height, bytes))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specimen_has_the_type_the_pixels_and_the_length_that_are_asked_for() {
        for (media_type, kind) in [
            ("image/png", imagesize::ImageType::Png),
            ("image/jpeg", imagesize::ImageType::Jpeg),
        ] {
            for [width, height] in [[1, 1], [63, 64], [400, 401], [1012, 638]] {
                for more in 0..6 {
                    let bytes = 400_000 + more;
                    let file = specimen(media_type, [width, height], bytes);
                    let size = imagesize::blob_size(&file).expect("a picture");
                    assert_eq!([size.width, size.height], [width, height]);
                    assert_eq!(imagesize::image_type(&file).ok(), Some(kind));
                    assert_eq!(file.len(), bytes, "{media_type} {width}x{height}");
                }
            }
        }
        assert_eq!(specimen("application/octet-stream", [0, 0], 77).len(), 77);
    }

    #[test]
    fn a_short_picture_is_blank_and_can_be_decoded() {
        for [width, height] in [[1, 1], [258, 2], [400, 400], [1012, 638]] {
            let file = specimen("image/png", [width, height], 5000);
            assert_eq!(file.len(), 5000, "{width}x{height}");
            let mut picture = ::png::Decoder::new(std::io::Cursor::new(file))
                .read_info()
                .expect("a picture");
            let mut pixels = vec![1; picture.output_buffer_size().expect("a size")];
            picture.next_frame(&mut pixels).expect("it can be decoded");
            assert!(pixels.iter().all(|byte| *byte == 0), "{width}x{height}");
        }
        assert_eq!(specimen("image/png", [1, 1], 67).len(), 67);
    }

    #[test]
    fn a_picture_that_cannot_be_so_short_has_its_own_length() {
        for media_type in ["image/png", "image/jpeg"] {
            let file = specimen(media_type, [400, 400], 10);
            assert_eq!(file.len(), specimen(media_type, [400, 400], 0).len());
            assert!(file.len() > 10, "{media_type}");
        }
    }
}
