package build.kiln.runtime.cli.manifest;

import build.kiln.runtime.cli.manifest.ManifestException.Problem;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** The keys of a ConfigMap in a manifest. */
final class ConfigMapDocument {
  private static final Pattern KEY = Pattern.compile("[-._a-zA-Z0-9]{1,253}");

  private ConfigMapDocument() {}

  /** The values by key; what is wrong goes to {@code problems}. */
  static Map<String, byte[]> values(Tree document, List<Problem> problems) {
    Map<String, byte[]> values = new LinkedHashMap<>();
    each(document, "data")
        .forEach(
            (key, field) -> {
              key(key, field, problems);
              text(field).ifPresent(text -> values.put(key, text.getBytes(StandardCharsets.UTF_8)));
            });
    each(document, "binaryData")
        .forEach(
            (key, field) -> {
              key(key, field, problems);
              if (values.containsKey(key)) {
                problems.add(
                    new Problem(
                        field.place(),
                        "the key \"%s\" is in data too: remove one of them".formatted(key)));
              }
              text(field).ifPresent(t -> values.put(key, decode(key, t, field, problems)));
            });
    return values;
  }

  /** A null is an empty text, as it is to the API server. */
  private static Optional<String> text(Tree.Field field) {
    return field.value().json().isNull() ? Optional.of("") : field.value().text();
  }

  private static Map<String, Tree.Field> each(Tree document, String field) {
    return document.field(field).orElse(document) instanceof Tree.Fields mapping
            && mapping != document
        ? mapping.fields()
        : Map.of();
  }

  private static void key(String key, Tree.Field field, List<Problem> problems) {
    if (!KEY.matcher(key).matches() || key.equals(".") || key.startsWith("..")) {
      problems.add(
          new Problem(
              field.place(),
              "\"%s\" is no key of a ConfigMap: use letters, digits, '-', '_' and '.', and no '..' in front"
                  .formatted(key)));
    }
  }

  private static byte[] decode(String key, String text, Tree.Field field, List<Problem> problems) {
    try {
      return Base64.getDecoder().decode(text.replaceAll("[\r\n]", ""));
    } catch (IllegalArgumentException e) {
      problems.add(
          new Problem(
              field.value().place(),
              "binaryData[\"%s\"] is no base64 (%s): encode it, or use data"
                  .formatted(key, e.getMessage())));
      return new byte[0];
    }
  }
}
