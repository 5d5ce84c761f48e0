package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.LogicalLine.Slice;
import java.util.List;

/**
 * One instruction of the syntax tree: words and places, no meaning yet.
 *
 * @param keyword the first word, as written
 * @param flags the {@code --} words that follow it
 * @param arguments the rest of the joined line
 * @param heredocs in the order of their {@code <<}
 * @param comments the comments since the instruction before it, without the sign
 * @param text the joined line, stripped; here-documents are not in it
 * @param range from the keyword to the end, here-documents included
 */
record Node(
    Word keyword,
    List<Flag> flags,
    Slice arguments,
    List<Heredoc> heredocs,
    List<Word> comments,
    String text,
    SourceRange range) {
  Node {
    flags = List.copyOf(flags);
    heredocs = List.copyOf(heredocs);
    comments = List.copyOf(comments);
  }

  Node with(List<Heredoc> newHeredocs, SourceRange newRange) {
    return new Node(keyword, flags, arguments, newHeredocs, comments, text, newRange);
  }
}
