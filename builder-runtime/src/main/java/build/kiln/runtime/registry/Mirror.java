package build.kiln.runtime.registry;

import java.net.URI;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A place that has copies of another registry's images: {@code host[:port][/prefix]}, with {@code
 * http://} or {@code https://} before it to fix the scheme. Repository {@code r} is {@code
 * prefix/r} there.
 *
 * @param scheme http or https, or null for https (or what an insecure host speaks)
 */
record Mirror(String host, String prefix, @Nullable String scheme) {
  private static final Pattern HOST =
      Pattern.compile("(?:[A-Za-z0-9._-]+|\\[[0-9a-fA-F:.]+])(?::[0-9]{1,5})?");

  /**
   * @throws IllegalArgumentException if that is no host or URL
   */
  static Mirror parse(String text) {
    String rest = text.strip();
    String scheme = null;
    if (rest.contains("://")) {
      scheme = URI.create(rest).getScheme();
      if (!scheme.equals("http") && !scheme.equals("https")) {
        throw new IllegalArgumentException(
            "mirror \"" + text + "\": the scheme must be http or https");
      }
      rest = rest.substring(rest.indexOf("://") + 3);
    }
    int slash = rest.indexOf('/');
    String host = slash < 0 ? rest : rest.substring(0, slash);
    String prefix = slash < 0 ? "" : rest.substring(slash).replaceAll("^/+|/+$", "");
    if (!HOST.matcher(host).matches()) {
      throw new IllegalArgumentException(
          "mirror \"" + text + "\": want host[:port][/prefix], with or without http(s)://");
    }
    return new Mirror(host, prefix.equals("v2") ? "" : prefix, scheme);
  }
}
