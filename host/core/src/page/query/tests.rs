//! Contract 1.6: the vectors of Harbor's `builder_test.go`, and what fits a row.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;

fn value(text: &str) -> Option<Value> {
    Query::parse(&format!("k={text}")).ok().and_then(|query| query.get("k").cloned())
}

fn text(text: &str) -> Item {
    Item::Text(text.to_owned())
}

fn exact(text: &str) -> Option<Value> {
    Some(Value::Exact(text.to_owned()))
}

#[test]
fn contract_1_6_vectors() {
    use Item::Int;
    let any = |items: &[Item]| Some(Value::AnyOf(items.to_vec()));
    let time = Item::Time(datetime!(2020-03-04 17:08:23 UTC));
    let cases = [
        ("", None),
        ("~", None),
        ("~a", Some(Value::Fuzzy("a".to_owned()))),
        ("[", None),
        ("[]", None),
        ("[~]", None),
        ("[~~]", None),
        ("[1~2~3]", None),
        ("[1~]", Some(Value::Range(Some(Int(1)), None))),
        ("[~2]", Some(Value::Range(None, Some(Int(2))))),
        ("[1~2]", Some(Value::Range(Some(Int(1)), Some(Int(2))))),
        ("[ 1 ~ b ]", Some(Value::Range(Some(Int(1)), Some(text("b"))))),
        ("{", None),
        ("(", None),
        ("{)", None),
        ("({", None),
        ("{}", any(&[])),
        ("()", Some(Value::AllOf(vec![]))),
        ("{1}", any(&[Int(1)])),
        ("{1 2 3}", any(&[Int(1), Int(2), Int(3)])),
        ("{1  2}", any(&[Int(1), Int(2)])),
        ("(1 2)", Some(Value::AllOf(vec![Int(1), Int(2)]))),
        ("{2020-03-04T17:08:23}", any(&[time])),
        ("{2020-03-04}", any(&[text("2020-03-04")])),
        (r#"{abc "abc" 'd' ""}"#, any(&[text("abc"), text("abc"), text("d"), text("")])),
        ("{-5 99999999999999999999}", any(&[Int(-5), text("99999999999999999999")])),
        ("1", exact("1")),
        ("abc", exact("abc")),
        ("}{", exact("}{")),
        (r"\~abc", exact("~abc")),
        (r"\{a}", exact("{a}")),
        (r"a\b", exact(r"a\b")),
    ];
    for (input, expected) in cases {
        assert_eq!(value(input), expected, "{input}");
    }
}

#[test]
fn contract_1_6_keywords() {
    for bad in [",", "k", "k=", "=v", "k=v,", ",k=v", "k=v,,l=w", "k=[1,2]", &"k=v,".repeat(9999)] {
        assert!(Query::parse(bad).is_err(), "{bad}");
    }
    let got = |q: &str, key: &str| Query::parse(q).unwrap().get(key).cloned();
    assert_eq!(Query::parse("").unwrap(), Query::default());
    assert_eq!(got("k=v", "k"), exact("v"));
    assert_eq!(got("q=tags%3Dnil", "q"), exact("tags=nil"));
    assert_eq!(got("a=b=c", "a"), exact("b=c"));
    assert_eq!(got("k=1,k=2", "k"), exact("2"));
    assert_eq!(got("k=a%20b+c", "k"), exact("a b c"));
    // A broken escape leaves the text as it is.
    assert_eq!(got("k=50%", "k"), exact("50%"));
    assert_eq!(got("k=%ff+", "k"), exact("%ff+"));
}

fn row(key: &str) -> Option<Field<'static>> {
    Some(match key {
        "id" => Field::Int(7),
        "name" => Field::Text("My_Hub".into()),
        "src_registry_id" => Field::Int(0),
        "insecure" => Field::Bool(true),
        "creation_time" => Field::Time(datetime!(2020-03-04 17:08:23 UTC)),
        "Status" | "health" => Field::Text("healthy".into()),
        _ => return None,
    })
}

#[test]
fn contract_1_6_what_fits() {
    let fits = [
        "",
        "name=My_Hub",
        "name=~hub",
        "name=~_",
        "Name=~MY",
        "id=7",
        "ID=7",
        "id={7 8}",
        "id=[7~7]",
        "id=[~7]",
        "id=[7~]",
        "id=~7",
        "SrcRegistryID=0",
        "src_registry_id=0",
        "insecure=true",
        "insecure=1",
        "creation_time=2020-03-04T17:08:23",
        "creation_time=2020-03-04 17:08:23",
        "CreationTime=[2020-03-04T17:08:23~]",
        "CreationTime=[2020-01-01T00:00:00~2021-01-01T00:00:00]",
        "health=healthy",
        "Status=healthy",
        "name={My_Hub other}",
        "name={'My_Hub'}",
        "id={'7'}",
        "insecure={true}",
        "creation_time={2020-03-04T17:08:23}",
        "health=[a~z]",
        "name=(x y)",
        // Unknown keys and suffixes are ignored; `status` is one of them.
        "status=unhealthy",
        "other=x",
        "name__foo=x",
        "name__icontains__in=x",
        "name__in={x}",
        "name__icontains=hub",
        "id__gte=7",
        "id__lte=7",
        "id__gt=6",
        "id__lt=8",
        "id__exact=7",
        "id__in=7",
        "id=7,name=~hub",
    ];
    for q in fits {
        assert!(Query::parse(q).unwrap().matches(row), "{q}");
    }
}

#[test]
fn contract_1_6_what_does_not_fit() {
    let others = [
        "name=my_hub",
        "name=Hub",
        "name=~x",
        "name=~%",
        "id=8",
        "id=x",
        "id={}",
        "id={8}",
        "id={x}",
        "id=[8~]",
        "id=[~6]",
        "id=~8",
        "insecure=false",
        "insecure=maybe",
        "creation_time=[2020-03-04T17:08:24~]",
        "creation_time=2020-03-04",
        "health=unhealthy",
        "name__icontains=x",
        "id__gte=8",
        "id__lte=6",
        "id__gt=7",
        "id__lt=7",
        "id__in=8",
        "id=7,name=~x",
        "name={}",
    ];
    for q in others {
        assert!(!Query::parse(q).unwrap().matches(row), "{q}");
    }
}

#[test]
fn a_name_parameter_is_one_condition_more() {
    let query = |q: &str, name: &str| Query::parse(q).unwrap().and_name_like(name);
    assert!(query("", "hub").matches(row));
    assert!(query("name=~my", "HUB").matches(row));
    assert!(!query("name=~other", "hub").matches(row));
    assert!(!query("name=~my", "other").matches(row));
    assert_eq!(query("", ""), Query::default());
    // It takes the place of no key of `q`.
    assert!(!query("Name__icontains=other", "hub").matches(row));
}

#[test]
fn what_every_row_is_asked_is_bounded() {
    let keys = |count: usize| {
        let keys: Vec<String> = (0..count).map(|n| format!("k{n}=v")).collect();
        Query::parse(&keys.join(","))
    };
    assert!(keys(MAX_TERMS).is_ok());
    let refused = keys(MAX_TERMS + 1).unwrap_err().to_string();
    assert!(refused.contains("at most 16 keys"), "{refused}");
    for [open, close] in [["{", "}"], ["(", ")"]] {
        let list =
            |count: usize| Query::parse(&format!("id={open}{}{close}", vec!["7"; count].join(" ")));
        assert!(list(MAX_ITEMS).unwrap().matches(row));
        let refused = list(MAX_ITEMS + 1).unwrap_err().to_string();
        assert!(refused.contains("at most 100 items"), "{refused}");
    }
}

proptest! {
    #[test]
    fn never_panics(q in r"([a-z=,~\[\]{}()\\%+ 0-9é]|name=|id__gte=)*") {
        if let Ok(query) = Query::parse(&q) {
            let _ = query.matches(row);
        }
    }
}
