//! Reply bodies: templates with placeholders, and what renders them.

mod render;
mod template;

pub(crate) use self::render::{BodyPlan, Fill, Rendered};
pub(crate) use self::template::{Hole, Template, TemplateScope};
