package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.LogicalLine.Slice;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Lines to nodes: comments, continuations, here-documents, the keyword and its flags. What the
 * arguments mean is for {@link InstructionReader}.
 */
final class Parser {
  private final SourceFile source;
  private final Directives directives;
  private final List<Problem> problems = new ArrayList<>();
  private final List<Problem> warnings = new ArrayList<>();
  private final List<Node> nodes = new ArrayList<>();
  private List<Word> comments = new ArrayList<>();

  /** The line to read next, from 1. */
  private int next = 1;

  private Parser(SourceFile source) {
    this.source = source;
    this.directives = DirectiveReader.read(source, problems);
  }

  static SyntaxTree parse(SourceFile source) {
    var parser = new Parser(source);
    while (parser.next <= source.lineCount()) {
      parser.readInstruction();
    }
    return new SyntaxTree(
        source, parser.directives, parser.nodes, parser.problems, parser.warnings);
  }

  private void readInstruction() {
    String first = source.line(next);
    int indent = Chars.firstNonSpace(first, 0);
    if (indent == first.length()) {
      next++;
      return;
    }
    if (first.charAt(indent) == '#') {
      addComment(indent + 1);
      next++;
      return;
    }
    LogicalLine line = joinLines(indent);
    try {
      readNode(line);
    } catch (DockerfileException e) {
      problems.addAll(e.problems());
    }
    comments = new ArrayList<>();
  }

  /** An empty comment parts what stands before it from the instruction. */
  private void addComment(int from) {
    if (next <= directives.lines()) {
      return;
    }
    var line = new LogicalLine(source);
    line.append(next, from, source.line(next).length());
    Slice comment = line.slice().strip();
    if (comment.isEmpty()) {
      comments.clear();
    } else {
      comments.add(comment.word());
    }
  }

  /** The instruction that starts on this line, with the lines that continue it. */
  private LogicalLine joinLines(int indent) {
    var line = new LogicalLine(source);
    boolean continued = append(line, next++, indent);
    while (continued && next <= source.lineCount()) {
      String text = source.line(next);
      int start = Chars.firstNonSpace(text, 0);
      if (start == text.length()) {
        warnings.add(
            new Problem(
                Problem.Code.EMPTY_CONTINUATION,
                SourceRange.ofLine(source, next),
                "an empty line within a continued instruction",
                "remove it, or start it with #"));
        next++;
      } else if (text.charAt(start) == '#') {
        next++;
      } else {
        continued = append(line, next++, 0);
      }
    }
    return line;
  }

  /** Adds a line, without its continuation sign; whether it had one. */
  private boolean append(LogicalLine line, int number, int from) {
    String text = source.line(number);
    int end = text.length();
    while (end > from && (text.charAt(end - 1) == ' ' || text.charAt(end - 1) == '\t')) {
      end--;
    }
    char escape = directives.escape();
    boolean continued =
        end > from
            && text.charAt(end - 1) == escape
            && (end - 1 == from || text.charAt(end - 2) != escape);
    line.append(number, from, continued ? end - 1 : text.length());
    return continued;
  }

  private void readNode(LogicalLine line) {
    Slice all = line.slice().strip();
    if (all.isEmpty()) {
      throw new DockerfileException(
          Problem.Code.SYNTAX,
          line.range(0, 0),
          "a line continuation with nothing to continue",
          "remove the " + directives.escape());
    }
    Node node = split(all, comments);
    nodes.add(withHeredocs(node, line));
  }

  /** Splits a joined line into keyword, flags and the rest. */
  static Node split(Slice line, List<Word> comments) {
    String text = line.text();
    int end = 0;
    while (end < text.length() && !Chars.isBlank(text.charAt(end))) {
      end++;
    }
    Word keyword = line.part(0, end).word();
    int rest = end;
    while (rest < text.length() && Chars.isBlank(text.charAt(rest))) {
      rest++;
    }
    var flags = new FlagSplitter(line.part(rest, text.length()));
    return new Node(
        keyword, flags.flags(), flags.rest().strip(), List.of(), comments, text, line.range());
  }

  private Node withHeredocs(Node node, LogicalLine line) {
    if (!line.text().contains("<<") || !mayHaveHeredocs(node)) {
      return node;
    }
    List<Heredoc> found = Heredocs.find(line);
    if (found.isEmpty()) {
      return node;
    }
    var filled = new ArrayList<Heredoc>();
    for (Heredoc heredoc : found) {
      String body = readBody(heredoc);
      if (body == null) {
        throw new DockerfileException(
            Problem.Code.SYNTAX,
            heredoc.range(),
            "unterminated here-document",
            "no line after it is just " + heredoc.name());
      }
      filled.add(heredoc.withBody(body));
    }
    return node.with(filled, node.range().to(SourceRange.ofLine(source, next - 1)));
  }

  private static boolean mayHaveHeredocs(Node node) {
    Node inner = node;
    if (Keyword.of(node.keyword().text()).filter(k -> k == Keyword.ONBUILD).isPresent()
        && !node.arguments().isEmpty()) {
      inner = split(node.arguments(), List.of());
    }
    return Keyword.of(inner.keyword().text()).filter(Keyword::takesHeredocs).isPresent()
        && !JsonArray.read(inner.arguments()).isJson();
  }

  /** The lines up to the one that ends it, or null if there is none. */
  private @Nullable String readBody(Heredoc heredoc) {
    var body = new StringBuilder();
    while (next <= source.lineCount()) {
      String line = source.line(next);
      String candidate = heredoc.stripsTabs() ? stripTabs(line) : line;
      if (candidate.equals(heredoc.name())) {
        next++;
        return body.toString();
      }
      body.append(source.rawLine(next++));
    }
    return null;
  }

  private static String stripTabs(String line) {
    int start = 0;
    while (start < line.length() && line.charAt(start) == '\t') {
      start++;
    }
    return line.substring(start);
  }
}
