//! Writes PNG without compression. So the bytes are the same in every release, and the size of a file follows
//! from its pixels.

use super::canvas::{Canvas, PALETTE};

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// The bits of a pixel: two pixels a byte.
const BITS: u8 = 4;
const INDEXED: u8 = 3;
/// The longest block of deflate that is stored as it is.
const STORED_MAX: usize = 0xffff;
/// The bytes of a chunk's length, type and checksum.
const FRAME: u64 = 12;
/// The bytes of the longest repetition.
const REPEATED: usize = 258;
const KEYWORD: &[u8] = b"Comment\0";
/// The fewest bytes that a file can be filled up by.
pub(super) const FILLING_BYTES_MIN: u64 = FRAME + KEYWORD.len() as u64;

/// The file, filled up to `bytes` if they are given. The error is the least length that it can be filled up to.
pub(super) fn encode(canvas: &Canvas, bytes: Option<u64>) -> Result<Vec<u8>, u64> {
    let mut file = SIGNATURE.to_vec();
    let mut header = Vec::new();
    header.extend(length(canvas.width).to_be_bytes());
    header.extend(length(canvas.height).to_be_bytes());
    header.extend([BITS, INDEXED, 0, 0, 0]);
    chunk(&mut file, *b"IHDR", &header);
    chunk(&mut file, *b"PLTE", PALETTE.as_flattened());
    chunk(&mut file, *b"IDAT", &stored(&rows(canvas)));
    let own = file.len() as u64 + FRAME;
    match bytes {
        Some(bytes) if bytes == own => {}
        Some(bytes) if bytes < own + FILLING_BYTES_MIN => return Err(own + FILLING_BYTES_MIN),
        Some(bytes) => {
            let words = b"This is a specimen and not a real document. ".iter();
            let missing = bytes - own - FILLING_BYTES_MIN;
            let missing = usize::try_from(missing).expect("a few megabytes at most");
            let filling = KEYWORD.iter().chain(words.cycle().take(missing));
            chunk(&mut file, *b"tEXt", &filling.copied().collect::<Vec<_>>());
        }
        None => {}
    }
    chunk(&mut file, *b"IEND", &[]);
    Ok(file)
}

/// A picture of one colour. It is much shorter than one with words, because its pixels are compressed.
pub(super) fn blank(width: usize, height: usize, bytes: usize) -> Vec<u8> {
    let mut file = SIGNATURE.to_vec();
    let mut header = Vec::new();
    header.extend(length(width).to_be_bytes());
    header.extend(length(height).to_be_bytes());
    header.extend([1, 0, 0, 0, 0]); // shades of grey with one bit
    chunk(&mut file, *b"IHDR", &header);
    chunk(
        &mut file,
        *b"IDAT",
        &zeros(height * (width.div_ceil(8) + 1)),
    );
    let end = usize::try_from(FRAME).expect("a dozen");
    let missing = bytes.saturating_sub(file.len() + end);
    if let Some(text) = missing.checked_sub(end + KEYWORD.len()) {
        let words = b"This is a specimen and not a real document. ".iter();
        let filling = KEYWORD.iter().chain(words.cycle().take(text));
        chunk(&mut file, *b"tEXt", &filling.copied().collect::<Vec<_>>());
    }
    chunk(&mut file, *b"IEND", &[]);
    file
}

/// A zlib stream of this many zeros: one, and then repetitions of it (RFC 1951, section 3.2.6).
fn zeros(count: usize) -> Vec<u8> {
    let mut bits = vec![true, true, false]; // the last block, with the fixed codes
    let mut push = |code: u16, length: u32| {
        bits.extend((0..length).rev().map(|at| code >> at & 1 == 1));
    };
    let repeated = count.saturating_sub(1);
    for _ in 0..count.min(1) + repeated % REPEATED {
        push(0b0011_0000, 8); // a zero
    }
    for _ in 0..repeated / REPEATED {
        push(0b1100_0101, 8); // the longest repetition
        push(0, 5); // of what is just before it
    }
    push(0, 7); // the end
    let mut stream = vec![0x78, 0x01];
    stream.extend(bits.chunks(8).map(|byte| {
        let ones = byte.iter().enumerate().filter(|(_, bit)| **bit);
        ones.fold(0, |byte, (at, _)| byte | 1 << at)
    }));
    let sum = u32::try_from(count % 65_521).expect("less than that") << 16 | 1;
    stream.extend(sum.to_be_bytes());
    stream
}

/// The rows of the picture. Before each row stands the number of its filter: none.
fn rows(canvas: &Canvas) -> Vec<u8> {
    let mut rows = Vec::new();
    for row in canvas.pixels.chunks(canvas.width) {
        rows.push(0);
        let pair = |pair: &[u8]| pair[0] << BITS | pair.get(1).copied().unwrap_or_default();
        rows.extend(row.chunks(2).map(pair));
    }
    rows
}

/// A zlib stream of blocks that are stored as they are.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = data.chunks(STORED_MAX).peekable();
    while let Some(block) = blocks.next() {
        let size = u16::try_from(block.len()).expect("a block is that short");
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(size.to_le_bytes());
        stream.extend((!size).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(data).to_be_bytes());
    stream
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    file.extend(length(data.len()).to_be_bytes());
    let checked = file.len();
    file.extend(name);
    file.extend(data);
    let sum = crc32(&file[checked..]);
    file.extend(sum.to_be_bytes());
}

fn length(number: usize) -> u32 {
    u32::try_from(number).expect("a picture of a few megabytes")
}

fn adler32(data: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

fn crc32(data: &[u8]) -> u32 {
    let sum = data.iter().fold(u32::MAX, |sum, byte| {
        let step = |sum: u32, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        (0..8).fold(sum ^ u32::from(*byte), step)
    });
    !sum
}
