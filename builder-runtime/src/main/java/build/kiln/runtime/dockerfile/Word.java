package build.kiln.runtime.dockerfile;

/**
 * One word of an instruction and where it stands. Before expansion the text is as written, quotes
 * and escapes included; after it, the value. The place stays the same.
 */
public record Word(String text, SourceRange range) {
  Word withText(String newText) {
    return newText.equals(text) ? this : new Word(newText, range);
  }

  boolean isEmpty() {
    return text.isEmpty();
  }

  @Override
  public String toString() {
    return text;
  }
}
