//! `serve --record`: writes what happens into a file, while it happens.

mod recording_file;
mod recording_writer;

pub(crate) use self::recording_file::RecordingFile;
pub(crate) use self::recording_writer::RecordingWriter;
