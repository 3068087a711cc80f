use super::named::named;

named! {
    /// The colour of an object.
    "colour" Colour {
        /// Red.
        Red = "red",
        /// Orange.
        Orange = "orange",
        /// Yellow.
        Yellow = "yellow",
        /// Green.
        Green = "green",
        /// Blue.
        Blue = "blue",
        /// Purple.
        Purple = "purple",
        /// Pink.
        Pink = "pink",
        /// White.
        White = "white",
    }
}

named! {
    /// The size of an object: a big one is twice as large as a small one, or nearly so beside others of its kind.
    "size" Size {
        /// About a sixth of the image wide.
        Small = "small",
        /// About a third of the image wide.
        Big = "big",
    }
}

named! {
    /// The part of the image that an object is in.
    "side" Side {
        /// The left third.
        Left = "left",
        /// The middle.
        Middle = "middle",
        /// The right third.
        Right = "right",
    }
}

named! {
    /// How many of the same there are.
    "count" Count {
        /// One.
        One = "one",
        /// Two.
        Two = "two",
        /// Three.
        Three = "three",
    }
}
