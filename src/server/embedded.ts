import EMBEDDED_TEXT from "../../config/sentinel.kdl" with { type: "text" };

/** The configuration that is served when none is given: part of the program. */
export { EMBEDDED_TEXT };
