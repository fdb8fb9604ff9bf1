//! A good component of a contract that has nothing to do with registries.

wit_bindgen::generate!({
    inline: "package other:thing@1.0.0; world thing { export ping: func() -> string; }",
    world: "thing",
});

struct OtherWorld;

impl Guest for OtherWorld {
    fn ping() -> String {
        "pong".to_owned()
    }
}

export!(OtherWorld);
