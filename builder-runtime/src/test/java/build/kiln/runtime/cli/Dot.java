package build.kiln.runtime.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads Graphviz's language as far as a graph of nodes and edges with attributes needs it; anything
 * else is an error.
 *
 * @param nodes attributes by id
 * @param edges {@code from -> to}, with their attributes
 */
record Dot(
    Map<String, Map<String, String>> nodes, List<Map.Entry<String, Map<String, String>>> edges) {
  /** Names, numbers, quoted strings, edges and punctuation, as the grammar has them. */
  private static final Pattern TOKEN =
      Pattern.compile(
          "\\s*(?:([A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)|(-?(?:\\.\\d+|\\d+(?:\\.\\d*)?))|\"((?:[^\"\\\\]|\\\\.)*)\"|(->|[{}\\[\\];,=]))",
          Pattern.DOTALL);

  static Dot parse(String text) {
    var reader = new Reader(tokens(text));
    reader.expect("digraph");
    reader.next();
    reader.expect("{");
    var dot = new Dot(new LinkedHashMap<>(), new ArrayList<>());
    while (!reader.accept("}")) {
      reader.statement(dot);
      reader.accept(";");
    }
    reader.end();
    dot.edges.forEach(
        edge -> {
          for (String end : edge.getKey().split(" -> ", -1)) {
            if (!dot.nodes.containsKey(end)) {
              throw new IllegalArgumentException("an edge of " + end + ", which is no node");
            }
          }
        });
    return dot;
  }

  private static List<String> tokens(String text) {
    var tokens = new ArrayList<String>();
    String rest = text.stripTrailing();
    Matcher matcher = TOKEN.matcher(rest);
    int at = 0;
    while (at < rest.length()) {
      if (!matcher.find(at) || matcher.start() != at) {
        throw new IllegalArgumentException("no token: " + rest.substring(at));
      }
      tokens.add(matcher.group(3) != null ? matcher.group(3) : matcher.group().strip());
      at = matcher.end();
    }
    return tokens;
  }

  private static final class Reader {
    private final List<String> tokens;
    private int at;

    Reader(List<String> tokens) {
      this.tokens = tokens;
    }

    String next() {
      return tokens.get(at++);
    }

    boolean accept(String token) {
      boolean there = at < tokens.size() && tokens.get(at).equals(token);
      at += there ? 1 : 0;
      return there;
    }

    void expect(String token) {
      if (!accept(token)) {
        throw new IllegalArgumentException(
            "want " + token + ": " + tokens.subList(at, tokens.size()));
      }
    }

    void end() {
      if (at != tokens.size()) {
        throw new IllegalArgumentException("more: " + tokens.subList(at, tokens.size()));
      }
    }

    void statement(Dot dot) {
      String id = next();
      if (accept("=")) {
        next();
      } else if (accept("->")) {
        dot.edges.add(Map.entry(id + " -> " + next(), attributes()));
      } else {
        Map<String, String> attributes = attributes();
        if (!id.equals("node") && dot.nodes.put(id, attributes) != null) {
          throw new IllegalArgumentException("twice: " + id);
        }
      }
    }

    private Map<String, String> attributes() {
      var attributes = new LinkedHashMap<String, String>();
      if (accept("[")) {
        while (!accept("]")) {
          String name = next();
          expect("=");
          attributes.put(name, next());
          accept(",");
        }
      }
      return attributes;
    }
  }
}
