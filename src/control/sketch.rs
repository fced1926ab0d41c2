//! Draws a picture small. The size that a picture claims is believed only within limits. A PNG is read row by
//! row, so that one that claims much costs little.

use std::io::Cursor;

use png::{BitDepth, ColorType, Limits, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The longer side of a thumbnail, in pixels.
const PIXELS: usize = 64;

/// For one pixel of the thumbnail, about this many pixels of the picture are looked at in each direction.
const SAMPLES: usize = 4;

const SIDE_MAX: usize = 16_384;
const AREA_MAX: usize = 25_000_000;

/// How much memory the decoder of a PNG may take, besides the rows of pixels.
const PNG_BYTES_MAX: usize = 4 << 20;

/// How much memory the pixels of a JPEG may take, with the coefficients if it is progressive.
const JPEG_BYTES_MAX: usize = 80_000_000;

/// How many scans a JPEG may have. Each scan reads the whole picture once more.
const JPEG_SCANS_MAX: usize = 32;

/// How many pixels a byte of a JPEG may stand for. A JPEG needs at least two bits for each block of 64
/// pixels: one that claims more pixels is cut off, or a trap.
const JPEG_PIXELS_OF_A_BYTE_MAX: usize = 500;

/// Returns a PNG of at most 64 x 64 pixels, 13 KB. None if the file is no picture, too large, or broken.
pub(super) fn sketch(file: &[u8]) -> Option<Vec<u8>> {
    let kind = imagesize::image_type(file).ok()?;
    let size = imagesize::blob_size(file).ok()?;
    let is_sound = |side: usize| (1..=SIDE_MAX).contains(&side);
    if !is_sound(size.width) || !is_sound(size.height) || size.width * size.height > AREA_MAX {
        return None;
    }
    let mut canvas = Canvas::of(size.width, size.height);
    match kind {
        imagesize::ImageType::Png => read_png(file, &mut canvas)?,
        imagesize::ImageType::Jpeg => read_jpeg(file, &mut canvas)?,
        _ => return None,
    }
    canvas.written()
}

fn read_png(file: &[u8], canvas: &mut Canvas) -> Option<()> {
    let limits = Limits {
        bytes: PNG_BYTES_MAX,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().ok()?;
    if (reader.info().width as usize, reader.info().height as usize) != canvas.from {
        return None;
    }
    let (kind, depth) = reader.output_color_type();
    if depth != BitDepth::Eight || kind == ColorType::Indexed {
        return None;
    }
    let passes = if reader.info().interlaced {
        &ADAM7[..]
    } else {
        &WHOLE[..]
    };
    for pass in passes {
        for y in (pass.y..canvas.from.1).step_by(pass.down) {
            if pass.x >= canvas.from.0 {
                break; // it is too narrow for this pass
            }
            let row = reader.next_row().ok()??;
            if !y.is_multiple_of(canvas.step.1) {
                continue;
            }
            for (at, pixel) in row.data().chunks_exact(kind.samples()).enumerate() {
                let colour = match *pixel {
                    [grey] => [grey; 3],
                    [grey, alpha] => [on_white(grey, alpha); 3],
                    [r, g, b] => [r, g, b],
                    [r, g, b, alpha] => [r, g, b].map(|one| on_white(one, alpha)),
                    _ => return None,
                };
                canvas.put(pass.x + at * pass.across, y, colour);
            }
        }
    }
    Some(())
}

fn on_white(colour: u8, alpha: u8) -> u8 {
    let mixed = u16::from(colour) * u16::from(alpha) + 255 * u16::from(255 - alpha);
    u8::try_from(mixed / 255).unwrap_or(u8::MAX)
}

/// One pass of a PNG: the pixels that come together.
struct Pass {
    x: usize,
    y: usize,
    across: usize,
    down: usize,
}

const fn pass(x: usize, y: usize, across: usize, down: usize) -> Pass {
    Pass { x, y, across, down }
}

const WHOLE: [Pass; 1] = [pass(0, 0, 1, 1)];

const ADAM7: [Pass; 7] = [
    pass(0, 0, 8, 8),
    pass(4, 0, 8, 8),
    pass(0, 4, 4, 8),
    pass(2, 0, 4, 4),
    pass(0, 2, 2, 4),
    pass(1, 0, 2, 2),
    pass(0, 1, 1, 2),
];

fn read_jpeg(file: &[u8], canvas: &mut Canvas) -> Option<()> {
    let (width, height) = canvas.from;
    if width * height / JPEG_PIXELS_OF_A_BYTE_MAX > file.len() {
        return None;
    }
    let bytes_of_a_pixel = if is_progressive(file) { 3 + 3 * 2 } else { 3 };
    if width * height * bytes_of_a_pixel > JPEG_BYTES_MAX {
        return None;
    }
    let options = DecoderOptions::default()
        .set_max_width(SIDE_MAX)
        .set_max_height(SIDE_MAX)
        .set_strict_mode(true)
        .jpeg_set_max_scans(JPEG_SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().ok()?;
    let info = decoder.info()?;
    if (usize::from(info.width), usize::from(info.height)) != canvas.from {
        return None;
    }
    let pixels = decoder.decode().ok()?;
    if pixels.len() != width * height * 3 {
        return None;
    }
    for y in (0..height).step_by(canvas.step.1) {
        let row = &pixels[y * width * 3..(y + 1) * width * 3];
        for (x, pixel) in row.chunks_exact(3).enumerate().step_by(canvas.step.0) {
            canvas.put(x, y, [pixel[0], pixel[1], pixel[2]]);
        }
    }
    Some(())
}

/// Whether the first frame marker is that of progressive pictures.
fn is_progressive(jpeg: &[u8]) -> bool {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xff, marker, high, low, ..] = *rest {
        match marker {
            0xc4 | 0xc8 | 0xcc => {} // tables among the frames' numbers
            0xc0..=0xcf => return marker == 0xc2,
            0xff => {
                rest = &rest[1..]; // padding
                continue;
            }
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        rest = rest.get(2 + length..).unwrap_or_default();
    }
    true // unknown: count it as the larger kind
}

/// Takes pixels in any order.
struct Canvas {
    from: (usize, usize),
    to: (usize, usize),
    /// Only every `step`th pixel is looked at, in each direction.
    step: (usize, usize),
    /// For each pixel of the thumbnail: the sums of its colours, and how many pixels were added.
    sums: Vec<([u32; 3], u32)>,
}

impl Canvas {
    fn of(width: usize, height: usize) -> Self {
        let longer = width.max(height).max(PIXELS);
        let small = |side: usize| (side * PIXELS / longer).max(1);
        let to = (small(width), small(height));
        let step = |from: usize, to: usize| (from / (to * SAMPLES)).max(1);
        Self {
            from: (width, height),
            to,
            step: (step(width, to.0), step(height, to.1)),
            sums: vec![([0; 3], 0); to.0 * to.1],
        }
    }

    fn put(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        let is_sampled = x.is_multiple_of(self.step.0) && y.is_multiple_of(self.step.1);
        if x >= self.from.0 || !is_sampled {
            return;
        }
        let (column, row) = (x * self.to.0 / self.from.0, y * self.to.1 / self.from.1);
        let (sums, count) = &mut self.sums[row * self.to.0 + column];
        for (sum, one) in sums.iter_mut().zip(colour) {
            *sum += u32::from(one);
        }
        *count += 1;
    }

    fn written(&self) -> Option<Vec<u8>> {
        let mean = |sum: u32, count: u32| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX);
        let pixels: Vec<u8> = (self.sums.iter())
            .flat_map(|(sums, count)| sums.map(|sum| mean(sum, *count)))
            .collect();
        let mut png = Vec::new();
        let side = |side: usize| u32::try_from(side).ok();
        let mut encoder = png::Encoder::new(&mut png, side(self.to.0)?, side(self.to.1)?);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&pixels).ok()?;
        writer.finish().ok()?;
        Some(png)
    }
}

#[cfg(test)]
mod tests {
    use super::is_progressive;

    #[test]
    fn a_progressive_jpeg_is_told_by_its_frame() {
        let start = b"\xff\xd8\xff\xe0\0\x04\xff\xc2\xff\xc4\0\x02";
        for (frame, is) in [
            (&b"\xff\xc0\0\x02"[..], false),
            (b"\xff\xff\xc2\0\x02", true),
            (b"", true),
        ] {
            assert_eq!(
                is_progressive(&[&start[..], frame].concat()),
                is,
                "{frame:x?}"
            );
        }
        assert!(is_progressive(b"\xff"));
    }
}
