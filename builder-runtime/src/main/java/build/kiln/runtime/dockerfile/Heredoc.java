package build.kiln.runtime.dockerfile;

/**
 * A here-document: {@code <<NAME}, {@code <<-NAME} or {@code <<"NAME"} and the lines up to one that
 * is NAME.
 *
 * @param name the word that ends it, without quotes
 * @param descriptor the file descriptor before {@code <<}, 0 if none is given
 * @param expands no part of the word was quoted, so COPY and ADD expand variables in it; RUN leaves
 *     that to the shell
 * @param stripsTabs {@code <<-}: leading tabs do not count
 * @param body the lines as they stand in the file
 * @param range the word after {@code <<}
 */
public record Heredoc(
    String name,
    int descriptor,
    boolean expands,
    boolean stripsTabs,
    String body,
    SourceRange range) {

  /** The lines, without leading tabs if it strips them. */
  public String content() {
    if (!stripsTabs) {
      return body;
    }
    var out = new StringBuilder(body.length());
    boolean lineStart = true;
    for (int i = 0; i < body.length(); i++) {
      char c = body.charAt(i);
      if (lineStart && c == '\t') {
        continue;
      }
      out.append(c);
      lineStart = c == '\n';
    }
    return out.toString();
  }

  /** What the file is called that COPY and ADD make of it: the name's last path segment. */
  public String fileName() {
    return name.substring(name.lastIndexOf('/') + 1);
  }

  /** The same document with its content as it shall be: nothing is left to strip or expand. */
  Heredoc withText(String text) {
    return new Heredoc(name, descriptor, false, false, text, range);
  }

  Heredoc withBody(String newBody) {
    return new Heredoc(name, descriptor, expands, stripsTabs, newBody, range);
  }
}
