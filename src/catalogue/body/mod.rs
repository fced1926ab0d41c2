//! Reply bodies: templates with placeholders, and what renders them.

mod render;
mod reply_size;
mod template;

pub(crate) use self::render::{BodyPlan, Fill, Rendered};
pub(crate) use self::reply_size::{REPLY_BYTES_MAX, reply_too_large};
pub(crate) use self::template::{Hole, Template, TemplateScope};
