//! Deleting a tag, and an artifact with every tag on it.

use hyper::StatusCode;
use percent_encoding::percent_decode_str;

use super::{Answer, Call, Kind, Lie, refusal, whole};

impl Call<'_> {
    /// `…/artifacts/{reference}` or `…/artifacts/{reference}/tags/{tag}`; administrators alone.
    pub(super) fn remove(
        &self,
        project: &str,
        name: &str,
        (reference, rest): (&str, &[&str]),
    ) -> Answer {
        let administers = |account: &super::Account| account.kind == Kind::Administrator;
        if !self.caller.as_ref().is_some_and(administers) {
            return self.forbidden();
        }
        let once = percent_decode_str(name).decode_utf8_lossy().into_owned();
        let name = format!("{project}/{}", percent_decode_str(&once).decode_utf8_lossy());
        let lie = {
            let mut content = self.state.content();
            content.deleted = true;
            content.lie
        };
        let gone = match rest {
            [] if lie == Some(Lie::KeepsArtifacts) => true,
            ["tags", _] if lie == Some(Lie::KeepsTags) => true,
            [] => self.state.registry.remove(&name, reference),
            ["tags", tag] => self.state.registry.remove(&name, tag),
            _ => false,
        };
        match gone {
            true => whole(StatusCode::OK, ""),
            false => refusal(404, "NOT_FOUND", &format!("{name}:{reference} not found")),
        }
    }
}
