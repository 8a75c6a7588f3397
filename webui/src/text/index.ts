// The texts of the language in use. Another language is another folder beside `en`, of the same shape.
export { texts } from "./en";
