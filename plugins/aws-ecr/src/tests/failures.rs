//! Errors by their names, whatever the status; and answers that are none.

use super::*;

fn error_of(answer: Exchange) -> Error {
    let host = started(aws(), [answer]);
    let page = PageRequest::first();
    AwsEcr::list_artifacts(host.endpoint(), "team/app", &ArtifactFilter::all(), &page)
        .expect_err("an error")
}

fn asked() -> Exchange {
    call(
        "DescribeImages",
        json!({"repositoryName": "team/app", "maxResults": 1000,
        "filter": {"tagStatus": "TAGGED"}}),
    )
}

#[test]
fn errors_go_by_their_names() {
    let retried: Fits = |e| matches!(e, Error::Upstream(u) if u.retryable);
    let final_one: Fits = |e| matches!(e, Error::Upstream(u) if !u.retryable);
    let login: Fits = |e| matches!(e, Error::Unauthenticated(_));
    let cases: [(u16, &str, Fits); 13] = [
        (400, "UnrecognizedClientException", login),
        (403, "InvalidSignatureException", login),
        (400, "com.amazon.coral.service#InvalidSignatureException", login),
        (403, "ExpiredTokenException", login),
        (400, "RepositoryNotFoundException", |e| matches!(e, Error::NotFound(_))),
        (400, "com.amazonaws.ecr#RepositoryNotFoundException", |e| matches!(e, Error::NotFound(_))),
        (400, "ImageTagAlreadyExistsException", |e| matches!(e, Error::Conflict(_))),
        (400, "ThrottlingException", |e| matches!(e, Error::RateLimited(_))),
        (400, "InvalidParameterException", |e| matches!(e, Error::InvalidInput(_))),
        (400, "LimitExceededException", final_one),
        (400, "KmsException", final_one),
        (400, "ServerException", retried),
        (500, "SomethingNewException", retried),
    ];
    for (status, name, fits) in cases {
        let error = error_of(refused(asked(), status, name, "as it says"));
        assert!(fits(&error), "{name}: {error:?}");
        assert!(error.text().contains("as it says"), "{error:?}");
    }
}

/// By the header alone, by XML as older services write it, and with both spellings.
#[test]
fn names_are_found_wherever_they_are() {
    let xml = "<?xml version=\"1.0\"?>\n<ErrorResponse><Errors><Error>\
        <Code>SignatureDoesNotMatch</Code><Message>Check your key.</Message></Error></Errors>\
        </ErrorResponse>";
    let header = "UnrecognizedClientException:http://internal.amazon.com/coral/";
    let both = json!({"__type": "InvalidSignatureException", "message": "m", "Message": "m"});
    let cases = [
        (asked().answer(403).text(xml), "is not the one that belongs to it"),
        (asked().answer(400).header("x-amzn-errortype", header), "does not know the access key"),
        (asked().answer(400).json(both), "is not the one that belongs to it"),
    ];
    for (answer, expected) in cases {
        let error = error_of(answer);
        let login = matches!(error, Error::Unauthenticated(_));
        assert!(login && error.text().contains(expected), "{error:?}");
    }
}

#[test]
fn a_wrong_clock_is_said_in_words() {
    for (name, message) in [
        (
            "InvalidSignatureException",
            "Signature expired: 20260821T080000Z is now earlier than 20260821T081000Z",
        ),
        ("InvalidSignatureException", "Signature not yet current: 20260821T082000Z is still later"),
        ("RequestExpired", "Request has expired."),
    ] {
        let error = error_of(refused(asked(), 400, name, message));
        let clock = error.text().contains("the clock of this machine");
        assert!(clock && error.text().contains(message), "{error:?}");
    }
}

#[test]
fn waits_are_those_that_aws_asks_for() {
    let throttled = refused(asked(), 400, "ThrottlingException", "Rate exceeded");
    let too_many = asked().answer(429).header("Retry-After", "7").text("Rate exceeded");
    let cases = [
        (throttled.clone(), None),
        (throttled.header("Retry-After", "3"), Some(3)),
        (too_many, Some(7)),
    ];
    for (answer, expected) in cases {
        match error_of(answer) {
            Error::RateLimited(limit) => assert_eq!(limit.retry_after_seconds, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_no_answer_is_said_to_be_none() {
    let page = || asked().header("Content-Type", "text/html").text("<html>Sign in</html>");
    let cases: [(Exchange, &str); 4] = [
        (page(), "answered a web page where JSON was expected"),
        (asked().text("{\"imageDetails\":[{\"imageDig"), "answered no usable JSON"),
        (asked().json(json!({"imageDetails": 7})), "answered no usable JSON"),
        (
            asked().answer(302).header("Location", "https://portal.example/login"),
            "a redirect to https://portal.example/login; a signed request is not sent on",
        ),
    ];
    for (answer, expected) in cases {
        let error = error_of(answer);
        let malformed = matches!(error, Error::MalformedResponse(_));
        assert!(malformed && error.text().contains(expected), "{expected}: {error:?}");
    }
    let down = error_of(page().answer(503));
    assert!(matches!(down, Error::Upstream(u) if u.retryable && u.message.contains("a web page")));
}
