// Randomness that a seed repeats, and what random writers type.

const LETTERS = [...'abcdefghij \n\t', 'é', '\u0301', '\r\n', '😀', '👩‍👧', '\u2028', '漢', '𠀀']

/** mulberry32: small, fast, good enough to pick edits with. */
export function chanceOf(seed) {
  let state = seed >>> 0
  const draw = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (limit) => Math.floor(draw() * limit)
  return { draw, below, pick: (choices) => choices[below(choices.length)] }
}

export function typed(chance, longest) {
  let text = ''
  for (let count = 1 + chance.below(longest); count > 0; count--) text += chance.pick(LETTERS)
  return text
}

/** The nearest border between characters at or before an index: no editor puts a caret inside one. */
export function border(text, index) {
  const unit = text.charCodeAt(index)
  return index > 0 && unit >= 0xdc00 && unit <= 0xdfff ? index - 1 : index
}
