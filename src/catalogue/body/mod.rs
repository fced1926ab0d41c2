//! Reply bodies: templates with holes, and what renders them.

mod render;
mod template;

pub(crate) use self::render::{BodyPlan, Fill, Rendered};
pub(crate) use self::template::{Hole, Template, TemplateScope};
