//! Writes JPEG in grey squares of eight pixels: the means of the blocks, without their details. So it needs no
//! transformation and no large tables.

use super::canvas::{Canvas, PALETTE};

const BLOCK: usize = 8;

/// The numbers of codes with 1 to 16 bits for the means: the usual table (ITU-T T.81, table K.3). Its values are 0 to 11.
const MEAN_CODES: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];

/// The table for details has one code of one bit: the block has no more.
const DETAIL_CODES: [u8; 16] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The longest segment, with its two bytes of length.
const SEGMENT_BYTES_MAX: usize = 0xffff;

const MARKER_BYTES: usize = 2;

/// The file, filled up to `bytes` if it is shorter.
pub(super) fn encode(canvas: &Canvas, bytes: usize) -> Vec<u8> {
    let mut rest = Vec::new();
    let quantisation = [[0].as_slice(), &[8; 64]].concat();
    segment(&mut rest, 0xdb, &quantisation);
    let [height, width] = [canvas.height, canvas.width].map(side);
    let frame = [[8].as_slice(), &height, &width, &[1, 1, 0x11, 0]].concat();
    segment(&mut rest, 0xc0, &frame);
    let means: Vec<u8> = (0..12).collect();
    segment(
        &mut rest,
        0xc4,
        &[[0].as_slice(), &MEAN_CODES, &means].concat(),
    );
    segment(
        &mut rest,
        0xc4,
        &[[0x10].as_slice(), &DETAIL_CODES, &[0]].concat(),
    );
    segment(&mut rest, 0xda, &[1, 1, 0, 0, 63, 0]);
    rest.extend(scan(canvas));
    let mut file = vec![0xff, 0xd8];
    let missing = bytes.saturating_sub(file.len() + rest.len() + MARKER_BYTES);
    fill(&mut file, missing);
    file.extend(rest);
    // Up to three bytes that no segment has room for. Any number of them may stand before a marker.
    file.resize(file.len().max(bytes.saturating_sub(MARKER_BYTES)), 0xff);
    file.extend([0xff, 0xd9]);
    file
}

/// Comments of this many bytes, or of up to three fewer.
fn fill(file: &mut Vec<u8>, mut missing: usize) {
    let words = b"This is a specimen and not a real document. ";
    while missing >= MARKER_BYTES + 2 {
        let length = missing.min(SEGMENT_BYTES_MAX + MARKER_BYTES);
        let comment = words.iter().cycle().take(length - MARKER_BYTES - 2);
        segment(file, 0xfe, &comment.copied().collect::<Vec<_>>());
        missing -= length;
    }
}

fn segment(file: &mut Vec<u8>, marker: u8, data: &[u8]) {
    file.extend([0xff, marker]);
    file.extend(side(data.len() + 2));
    file.extend(data);
}

fn side(number: usize) -> [u8; 2] {
    let number = u16::try_from(number).expect("sides and segments are that short");
    number.to_be_bytes()
}

/// The differences between the means of blocks that follow each other.
fn scan(canvas: &Canvas) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut last = 0;
    for top in (0..canvas.height).step_by(BLOCK) {
        for left in (0..canvas.width).step_by(BLOCK) {
            let mean = mean(canvas, left, top);
            bits.difference(mean - last);
            bits.push(0, 1); // no details
            last = mean;
        }
    }
    bits.end()
}

/// The mean brightness of a block, from -128 to 127.
fn mean(canvas: &Canvas, left: usize, top: usize) -> i32 {
    let (mut sum, mut count) = (0, 0);
    for y in top..(top + BLOCK).min(canvas.height) {
        let row = &canvas.pixels[y * canvas.width..][..canvas.width];
        for pixel in &row[left..(left + BLOCK).min(canvas.width)] {
            let [red, green, blue] = PALETTE[usize::from(*pixel)].map(i32::from);
            sum += (3 * red + 6 * green + blue) / 10;
            count += 1;
        }
    }
    sum / count - 128
}

/// Bits, the highest of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    begun: u32,
    count: u32,
}

impl Bits {
    /// Its number of bits in the code of the table, then the bits themselves.
    fn difference(&mut self, difference: i32) {
        let size = i32::BITS - difference.abs().leading_zeros();
        let (code, length) = match size {
            0 => (0b00, 2),
            1..=5 => (size + 1, 3),
            _ => ((1 << (size - 2)) - 2, size - 2),
        };
        self.push(code, length);
        let offset = if difference < 0 { (1 << size) - 1 } else { 0 };
        let bits =
            u32::try_from(difference + offset).expect("a negative number is raised above zero");
        self.push(bits, size);
    }

    fn push(&mut self, bits: u32, length: u32) {
        for at in (0..length).rev() {
            self.begun = self.begun << 1 | bits >> at & 1;
            self.count += 1;
            if self.count == 8 {
                self.byte();
            }
        }
    }

    fn byte(&mut self) {
        let byte = u8::try_from(self.begun & 0xff).expect("eight bits");
        self.bytes.push(byte);
        if byte == 0xff {
            self.bytes.push(0); // not a marker
        }
        (self.begun, self.count) = (0, 0);
    }

    /// The last byte is filled with ones.
    fn end(mut self) -> Vec<u8> {
        while self.count > 0 {
            self.push(1, 1);
        }
        self.bytes
    }
}
