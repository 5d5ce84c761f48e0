package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Reference;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a token is good for (distribution's spec/auth/scope): {@code type:name:action,action}. The
 * name may have colons of its own.
 */
record Scope(String resource, Set<String> actions, String text) {
  private static final Set<String> PULL = Set.of("pull");
  private static final Set<String> PUSH = Set.of("pull", "push");

  static Scope pull(Reference repository) {
    String resource = "repository:" + repository.repository();
    return new Scope(resource, PULL, resource + ":pull");
  }

  static Scope push(Reference repository) {
    String resource = "repository:" + repository.repository();
    return new Scope(resource, PUSH, resource + ":pull,push");
  }

  static Scope of(Reference repository, String actions) {
    return parse("repository:" + repository.repository() + ":" + actions);
  }

  static Scope parse(String text) {
    int colon = text.lastIndexOf(':');
    String resource = colon < 0 ? text : text.substring(0, colon);
    String actions = colon < 0 ? "" : text.substring(colon + 1);
    return new Scope(
        resource,
        Arrays.stream(actions.split(",", -1))
            .filter(action -> !action.isEmpty())
            .collect(Collectors.toUnmodifiableSet()),
        text);
  }

  /** The scopes of a challenge's {@code scope} parameter. */
  static List<Scope> parseList(String text) {
    return Stream.of(text.trim().split("\\s+", -1))
        .filter(part -> !part.isEmpty())
        .map(Scope::parse)
        .toList();
  }

  boolean isIn(List<Scope> scopes) {
    return scopes.stream()
        .anyMatch(s -> s.resource.equals(resource) && s.actions.containsAll(actions));
  }
}
