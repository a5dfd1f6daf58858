import { word } from "@hello/core";

export const greet = (who) => `${word}, ${who}!`;
