//! Structural comparison of two WIT types that says where they part.
//!
//! It walks both at once and stops at the first difference, so its work is bounded by our own
//! types, whatever the component brings.

use wit_parser::{Resolve, Type, TypeDef, TypeDefKind, TypeId};

type Side<'r, T> = (&'r Resolve, T);

/// Compares two types; `at` says where they stand.
pub(super) fn same(ours: Side<&Type>, theirs: Side<&Type>, at: &str) -> Result<(), String> {
    let (wanted, given) = (bare(ours), bare(theirs));
    match (wanted, given) {
        (Type::Id(a), Type::Id(b)) => same_definition((ours.0, a), (theirs.0, b), at),
        (a, b) if a == b => Ok(()),
        (a, b) => Err(parted(at, &word(ours.0, &a), &word(theirs.0, &b))),
    }
}

/// Compares two types that may be absent.
pub(super) fn same_optional(
    ours: Side<Option<&Type>>,
    theirs: Side<Option<&Type>>,
    at: &str,
) -> Result<(), String> {
    match (ours.1, theirs.1) {
        (None, None) => Ok(()),
        (Some(a), Some(b)) => same((ours.0, a), (theirs.0, b), at),
        (a, b) => {
            let text = |resolve, ty: Option<&Type>| {
                ty.map_or_else(|| "nothing".to_owned(), |ty| word(resolve, ty))
            };
            Err(parted(at, &text(ours.0, a), &text(theirs.0, b)))
        }
    }
}

/// Compares two defined types.
pub(super) fn same_definition(
    (ours, a): Side<TypeId>,
    (theirs, b): Side<TypeId>,
    at: &str,
) -> Result<(), String> {
    let (Type::Id(a), Type::Id(b)) = (bare((ours, &Type::Id(a))), bare((theirs, &Type::Id(b))))
    else {
        return same((ours, &Type::Id(a)), (theirs, &Type::Id(b)), at);
    };
    let (Some(wanted), Some(given)) = (ours.types.get(a), theirs.types.get(b)) else {
        return Err(format!("{at}: a type is missing"));
    };
    same_kind((ours, wanted), (theirs, given), at)
}

fn same_kind(
    (ours, wanted): Side<&TypeDef>,
    (theirs, given): Side<&TypeDef>,
    at: &str,
) -> Result<(), String> {
    use TypeDefKind as Kind;
    let pair = |a, b, at: &str| same((ours, a), (theirs, b), at);
    let maybe = |a, b, at: &str| same_optional((ours, a), (theirs, b), at);
    same_members(&wanted.kind, &given.kind, at)?;
    match (&wanted.kind, &given.kind) {
        (Kind::Record(a), Kind::Record(b)) => a
            .fields
            .iter()
            .zip(&b.fields)
            .try_for_each(|(a, b)| pair(&a.ty, &b.ty, &format!("{at}.{}", a.name))),
        (Kind::Variant(a), Kind::Variant(b)) => {
            a.cases.iter().zip(&b.cases).try_for_each(|(a, b)| {
                maybe(a.ty.as_ref(), b.ty.as_ref(), &format!("{at}.{}", a.name))
            })
        }
        (Kind::Tuple(a), Kind::Tuple(b)) => {
            a.types.iter().zip(&b.types).try_for_each(|(a, b)| pair(a, b, at))
        }
        (Kind::Result(a), Kind::Result(b)) => {
            maybe(a.ok.as_ref(), b.ok.as_ref(), &format!("{at} ok"))?;
            maybe(a.err.as_ref(), b.err.as_ref(), &format!("{at} err"))
        }
        (Kind::Option(a), Kind::Option(b)) | (Kind::List(a), Kind::List(b)) => pair(a, b, at),
        (Kind::Enum(_), Kind::Enum(_)) | (Kind::Flags(_), Kind::Flags(_)) => Ok(()),
        (a, b) => Err(parted(at, a.as_str(), b.as_str())),
    }
}

/// Compares the names of fields, cases or flags, in order.
fn same_members(wanted: &TypeDefKind, given: &TypeDefKind, at: &str) -> Result<(), String> {
    match (members(wanted), members(given)) {
        (Some((what, ours)), Some((other, theirs))) if what == other => {
            same_names(what, &ours, &theirs, at)
        }
        _ => Ok(()),
    }
}

fn members(kind: &TypeDefKind) -> Option<(&'static str, Vec<String>)> {
    Some(match kind {
        TypeDefKind::Record(it) => ("fields", it.fields.iter().map(|f| f.name.clone()).collect()),
        TypeDefKind::Variant(it) => ("cases", it.cases.iter().map(|c| c.name.clone()).collect()),
        TypeDefKind::Enum(it) => ("names", it.cases.iter().map(|c| c.name.clone()).collect()),
        TypeDefKind::Flags(it) => ("flags", it.flags.iter().map(|f| f.name.clone()).collect()),
        TypeDefKind::Tuple(it) => ("places", it.types.iter().map(|_| "_".to_owned()).collect()),
        _ => return None,
    })
}

/// Compares two lists of names and says both where they differ.
pub(super) fn same_names(
    what: &str,
    ours: &[String],
    theirs: &[String],
    at: &str,
) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    let list = |names: &[String]| names.iter().take(32).cloned().collect::<Vec<_>>().join(", ");
    Err(format!(
        "{at} differs: the component has the {what} [{}], this host [{}]",
        list(theirs),
        list(ours)
    ))
}

/// Follows `type a = b` and `use`.
fn bare((resolve, ty): Side<&Type>) -> Type {
    let mut ty = *ty;
    while let Type::Id(id) = ty {
        match resolve.types.get(id).map(|def| &def.kind) {
            Some(TypeDefKind::Type(target)) => ty = *target,
            _ => break,
        }
    }
    ty
}

fn word(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else { return format!("{ty:?}").to_lowercase() };
    let Some(def) = resolve.types.get(*id) else { return "unknown".to_owned() };
    match &def.name {
        Some(name) => format!("{} `{name}`", def.kind.as_str()),
        None => def.kind.as_str().to_owned(),
    }
}

fn parted(at: &str, ours: &str, theirs: &str) -> String {
    format!("{at} differs: it is {theirs} in the component, {ours} in this host")
}
