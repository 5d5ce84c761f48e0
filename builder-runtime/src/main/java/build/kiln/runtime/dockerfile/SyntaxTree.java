package build.kiln.runtime.dockerfile;

import java.util.List;

/**
 * What the parser makes of a file.
 *
 * @param problems errors of form that did not keep the parser from going on
 * @param warnings what is accepted but should not be there
 */
record SyntaxTree(
    SourceFile source,
    Directives directives,
    List<Node> nodes,
    List<Problem> problems,
    List<Problem> warnings) {
  SyntaxTree {
    nodes = List.copyOf(nodes);
    problems = List.copyOf(problems);
    warnings = List.copyOf(warnings);
  }
}
