package build.kiln.runtime.registry;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One challenge of a {@code WWW-Authenticate} header (RFC 9110, 11.6.1).
 *
 * @param scheme lower case
 * @param parameters names in lower case, values without quotes
 */
record Challenge(String scheme, Map<String, String> parameters) {

  Challenge {
    parameters = Map.copyOf(parameters);
  }

  Optional<String> parameter(String name) {
    return Optional.ofNullable(parameters.get(name)).filter(value -> !value.isEmpty());
  }

  /** All challenges of all headers; what is not one is left out. */
  static List<Challenge> parse(List<String> headers) {
    List<Challenge> all = new ArrayList<>();
    headers.forEach(header -> new Parser(header).parseInto(all));
    return all;
  }

  /** A header may hold several challenges, and commas separate both them and their parameters. */
  private static final class Parser {
    private final String text;
    private int at;

    Parser(String text) {
      this.text = text;
    }

    void parseInto(List<Challenge> all) {
      String word = nextWord();
      while (!word.isEmpty()) {
        String scheme = word.toLowerCase(Locale.ROOT);
        Map<String, String> parameters = new LinkedHashMap<>();
        word = nextWord();
        while (!word.isEmpty() && skip('=')) {
          parameters.put(word.toLowerCase(Locale.ROOT), value());
          word = nextWord();
        }
        all.add(new Challenge(scheme, parameters));
      }
    }

    private String nextWord() {
      while (at < text.length() && " \t,".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
      return token();
    }

    private String token() {
      int start = at;
      while (at < text.length() && " \t,=\"".indexOf(text.charAt(at)) < 0) {
        at++;
      }
      return text.substring(start, at);
    }

    private boolean skip(char c) {
      int look = at;
      while (look < text.length() && " \t".indexOf(text.charAt(look)) >= 0) {
        look++;
      }
      if (look >= text.length() || text.charAt(look) != c) {
        return false;
      }
      at = look + 1;
      return true;
    }

    private String value() {
      if (!skip('"')) {
        // token68 padding and blanks around "=" end up here
        while (at < text.length() && " \t=".indexOf(text.charAt(at)) >= 0) {
          at++;
        }
        return token();
      }
      StringBuilder out = new StringBuilder();
      while (at < text.length() && text.charAt(at) != '"') {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        out.append(text.charAt(at++));
      }
      at++;
      return out.toString();
    }
  }
}
