//! Preprocessors against OpenCV, controlnet_aux and AUTOMATIC1111.

mod preprocessors;
