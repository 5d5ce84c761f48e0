package build.kiln.runtime.prune;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names values in an object, as kubectl's JSONPath does: {@code .spec.image}, {@code
 * .spec.steps[*].image}, {@code .spec.images[0]}, {@code ..image} for any depth, {@code .spec.*},
 * and {@code ['key.with.dots']}. Filters and slices are refused.
 */
public final class JsonPath {
  private static final Pattern STEP =
      Pattern.compile(
          "(?<deep>\\.\\.)?(?:(?<=\\.\\.)(?<deepname>[A-Za-z0-9_-]+)"
              + "|\\.(?<name>[A-Za-z0-9_-]+|\\*)"
              + "|\\[(?<index>[0-9]{1,6}|\\*)]"
              + "|\\['(?<quoted>[^']+)'])");

  /** Longer than any list. */
  private static final Pattern INDEX = Pattern.compile("[0-9]{1,9}");

  private record Step(boolean deep, String name) {}

  private final String text;
  private final List<Step> steps;

  private JsonPath(String text, List<Step> steps) {
    this.text = text;
    this.steps = steps;
  }

  /**
   * Reads a path; braces around it and a {@code $} before it may be there.
   *
   * @throws IllegalArgumentException if it is none, or has what is not supported here
   */
  public static JsonPath parse(String path) {
    String rest = path.strip();
    if (rest.startsWith("{") && rest.endsWith("}")) {
      rest = rest.substring(1, rest.length() - 1).strip();
    }
    if (rest.startsWith("$")) {
      rest = rest.substring(1);
    }
    List<Step> steps = new ArrayList<>();
    Matcher matcher = STEP.matcher(rest);
    int at = 0;
    while (at < rest.length()) {
      matcher.region(at, rest.length());
      matcher.useTransparentBounds(true);
      if (!matcher.lookingAt()) {
        throw new IllegalArgumentException(
            "not a path that is supported: \""
                + path
                + "\" at \""
                + rest.substring(at)
                + "\"; write it as .spec.image, .spec.steps[*].image or ..image");
      }
      String name = null;
      for (String group : List.of("deepname", "name", "index", "quoted")) {
        name = name == null ? matcher.group(group) : name;
      }
      steps.add(new Step(matcher.group("deep") != null, String.valueOf(name)));
      at = matcher.end();
    }
    if (steps.isEmpty()) {
      throw new IllegalArgumentException("a path must name something: \"" + path + "\"");
    }
    return new JsonPath(path, List.copyOf(steps));
  }

  /** The texts that it names; of lists and objects none. */
  public List<JsonNode> values(JsonNode object) {
    List<JsonNode> now = List.of(object);
    for (Step step : steps) {
      List<JsonNode> next = new ArrayList<>();
      // What lies in two of them is visited once, or each ".." would multiply the visits.
      Set<JsonNode> seen = Collections.newSetFromMap(new IdentityHashMap<>());
      for (JsonNode node : now) {
        if (step.deep) {
          deep(node, step.name, next, seen);
        } else {
          children(node, step.name, next);
        }
      }
      now = next;
    }
    return now.stream().filter(JsonNode::isTextual).toList();
  }

  private static void children(JsonNode node, String name, List<JsonNode> found) {
    if (name.equals("*")) {
      node.forEach(found::add);
    } else if (node.isArray()) {
      JsonNode element = INDEX.matcher(name).matches() ? node.get(Integer.parseInt(name)) : null;
      if (element != null) {
        found.add(element);
      }
    } else if (node.has(name)) {
      found.add(node.get(name));
    }
  }

  private static void deep(JsonNode node, String name, List<JsonNode> found, Set<JsonNode> seen) {
    if (node.isContainerNode() && seen.add(node)) {
      children(node, name, found);
      node.forEach(child -> deep(child, name, found, seen));
    }
  }

  @Override
  public String toString() {
    return text;
  }
}
