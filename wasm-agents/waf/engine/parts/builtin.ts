/** stub */
export const BUILTIN_RULES: string = "SecRuleEngine On\n";
