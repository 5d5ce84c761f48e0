package build.kiln.runtime.transport;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Where an image is or shall be, named as skopeo names it: {@code transport:place}. */
public sealed interface ImagePlace {
  /** {@code docker://NAME}: in a registry. */
  record Registry(Reference name) implements ImagePlace {
    @Override
    public String toString() {
      return "docker://" + name;
    }
  }

  /** {@code kiln:NAME}, or the start of a digest: in the local store. */
  record Local(String name) implements ImagePlace {
    @Override
    public String toString() {
      return "kiln:" + name;
    }
  }

  /** {@code oci:FOLDER[:TAG][@DIGEST]}: in an OCI layout. */
  record Layout(Path folder, @Nullable String tag, @Nullable Digest digest) implements ImagePlace {
    @Override
    public String toString() {
      return "oci:"
          + folder
          + (tag == null ? "" : ":" + tag)
          + (digest == null ? "" : "@" + digest);
    }
  }

  /** {@code oci-archive:FILE[:TAG]}: in a tar of an OCI layout. */
  record OciTar(Path file, @Nullable String tag) implements ImagePlace {
    @Override
    public String toString() {
      return "oci-archive:" + file + (tag == null ? "" : ":" + tag);
    }
  }

  /** {@code docker-archive:FILE[:NAME]}: in what {@code docker save} writes. */
  record DockerTar(Path file, @Nullable Reference name) implements ImagePlace {
    @Override
    public String toString() {
      return "docker-archive:" + file + (name == null ? "" : ":" + name);
    }
  }

  /** What the names of places look like, for messages. */
  String FORMS =
      "docker://NAME, kiln:NAME, oci:FOLDER[:TAG], oci-archive:FILE[:TAG] or docker-archive:FILE[:NAME]";

  /**
   * Reads a place.
   *
   * @throws OciException saying what is wrong with it
   */
  static ImagePlace parse(String text) {
    int colon = text.indexOf(':');
    String transport = colon < 0 ? "" : text.substring(0, colon);
    String rest = text.substring(colon + 1);
    return switch (transport) {
      case "docker" -> {
        if (!rest.startsWith("//")) {
          throw new OciException(text + ": want docker://NAME");
        }
        yield new Registry(Reference.parse(rest.substring(2)).withDefaultTag());
      }
      case "kiln" -> new Local(named(text, rest));
      case "oci" -> layout(text, rest);
      case "oci-archive" -> {
        int second = rest.indexOf(':');
        yield new OciTar(
            Path.of(named(text, second < 0 ? rest : rest.substring(0, second))),
            second < 0 ? null : named(text, rest.substring(second + 1)));
      }
      case "docker-archive" -> {
        int second = rest.indexOf(':');
        yield new DockerTar(
            Path.of(named(text, second < 0 ? rest : rest.substring(0, second))),
            second < 0
                ? null
                : Reference.parse(named(text, rest.substring(second + 1))).withDefaultTag());
      }
      default -> throw new OciException(text + ": want " + FORMS);
    };
  }

  private static Layout layout(String text, String rest) {
    Matcher digest = Pattern.compile("(.*)@(sha(?:256|512):[0-9a-f]+)").matcher(rest);
    boolean pinned = digest.matches();
    String named = pinned ? digest.group(1) : rest;
    int colon = named.indexOf(':');
    return new Layout(
        Path.of(named(text, colon < 0 ? named : named.substring(0, colon))),
        colon < 0 ? null : named(text, named.substring(colon + 1)),
        pinned ? Digest.parse(digest.group(2)) : null);
  }

  private static String named(String whole, String part) {
    if (part.isEmpty()) {
      throw new OciException(whole + ": a name is missing; want " + FORMS);
    }
    return part;
  }
}
