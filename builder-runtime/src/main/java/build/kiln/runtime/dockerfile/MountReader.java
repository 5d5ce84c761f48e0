package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Mount.Sharing;
import build.kiln.runtime.dockerfile.Mount.Type;
import build.kiln.runtime.dockerfile.MountOptions.Option;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Gives the options of one {@code --mount} their meaning. */
final class MountReader {
  private static final Map<String, String> SAME =
      Map.of(
          "src",
          "source",
          "dst",
          "target",
          "destination",
          "target",
          "ro",
          "readonly",
          "rw",
          "readwrite");
  private static final List<String> KEYS =
      List.of(
          "type",
          "from",
          "source",
          "target",
          "readonly",
          "readwrite",
          "required",
          "size",
          "id",
          "sharing",
          "mode",
          "uid",
          "gid",
          "env");
  private static final Set<String> SWITCHES = Set.of("readonly", "readwrite", "required");
  private static final Map<String, EnumSet<Type>> ONLY_FOR =
      Map.of(
          "required", EnumSet.of(Type.SECRET, Type.SSH),
          "size", EnumSet.of(Type.TMPFS),
          "sharing", EnumSet.of(Type.CACHE),
          "env", EnumSet.of(Type.SECRET),
          "mode", EnumSet.of(Type.CACHE, Type.SECRET, Type.SSH),
          "uid", EnumSet.of(Type.CACHE, Type.SECRET, Type.SSH),
          "gid", EnumSet.of(Type.CACHE, Type.SECRET, Type.SSH),
          "from", EnumSet.of(Type.BIND, Type.CACHE, Type.TMPFS, Type.SSH));
  private static final Pattern SIZE =
      Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,18})?) ?([kmgtp])?i?b?");

  private final MountOptions options;
  private Type type = Type.BIND;
  private @Nullable String from;
  private @Nullable String source;
  private @Nullable String target;
  private @Nullable Boolean readOnly;
  private boolean required;
  private long sizeLimit;
  private @Nullable String id;
  private Sharing sharing = Sharing.SHARED;
  private @Nullable Integer mode;
  private @Nullable Long uid;
  private @Nullable Long gid;
  private @Nullable String env;

  MountReader(MountOptions options) {
    this.options = options;
  }

  Mount read() {
    for (Option option : options.options()) {
      if (option.key().equals("type") && option.value() != null) {
        type = oneOf(Type.class, "mount type", option.value().text());
      }
    }
    options.options().forEach(this::take);
    if (type == Type.SECRET && source == null && target == null && id == null && env == null) {
      throw bad("a secret mount needs id=, target= or env=", null);
    }
    if (type == Type.SECRET && source != null && id != null) {
      throw bad("a secret mount takes source= or id=, not both", "they mean the same");
    }
    boolean writable = type == Type.CACHE || type == Type.TMPFS;
    return new Mount(
        type,
        from,
        source,
        target,
        readOnly == null ? !writable : readOnly,
        required,
        sizeLimit,
        id,
        sharing,
        mode,
        uid,
        gid,
        env);
  }

  private void take(Option option) {
    String key = SAME.getOrDefault(option.key(), option.key());
    if (!KEYS.contains(key)) {
      throw bad(
          "unknown option of --mount: " + option.key(),
          Suggestions.nearest(key, KEYS)
              .map(n -> "did you mean " + n + "?")
              .orElse("it takes " + String.join(", ", KEYS)));
    }
    if (!ONLY_FOR.getOrDefault(key, EnumSet.allOf(Type.class)).contains(type)) {
      throw bad(key + "= is not for mounts of type " + type.name().toLowerCase(Locale.ROOT), null);
    }
    if (option.value() == null && !SWITCHES.contains(key)) {
      throw bad("the option " + key + " of --mount lacks its value", key + "=VALUE");
    }
    set(key, option.value() == null ? "true" : option.value().text());
  }

  private void set(String key, String value) {
    switch (key) {
      case "from" -> from = orNull(value);
      case "source" -> source = orNull(value);
      case "target" -> target = orNull(value);
      case "readonly" -> readOnly = bool(key, value);
      case "readwrite" -> readOnly = !bool(key, value);
      case "required" -> required = bool(key, value);
      case "size" -> sizeLimit = size(value);
      case "id" -> id = orNull(value);
      case "sharing" -> sharing = oneOf(Sharing.class, "sharing", value);
      case "mode" -> mode = (int) number(key, value, 8, 07777);
      case "uid" -> uid = number(key, value, 10, 0xFFFF_FFFFL);
      case "gid" -> gid = number(key, value, 10, 0xFFFF_FFFFL);
      case "env" -> env = orNull(value);
      default -> {
        // type, read before the others
      }
    }
  }

  private static @Nullable String orNull(String value) {
    return value.isEmpty() ? null : value;
  }

  private boolean bool(String key, String value) {
    if (Set.of("1", "t", "true").contains(value.toLowerCase(Locale.ROOT))) {
      return true;
    }
    if (Set.of("0", "f", "false").contains(value.toLowerCase(Locale.ROOT))) {
      return false;
    }
    throw bad(key + "= of --mount is true or false, not \"" + value + "\"", null);
  }

  private long number(String key, String value, int radix, long most) {
    try {
      long number = value.startsWith("+") ? -1 : Long.parseLong(value, radix);
      if (number >= 0 && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    String wanted = radix == 8 ? "octal number up to 7777" : "number";
    throw bad(key + "= of --mount wants a " + wanted + ", not \"" + value + "\"", null);
  }

  private long size(String value) {
    Matcher form = SIZE.matcher(value.toLowerCase(Locale.ROOT));
    if (form.matches()) {
      int power = form.group(2) == null ? 0 : "kmgtp".indexOf(form.group(2)) + 1;
      BigDecimal bytes =
          new BigDecimal(form.group(1)).multiply(BigDecimal.valueOf(1024).pow(power));
      if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) <= 0) {
        return bytes.longValue();
      }
    }
    throw bad("size= of --mount is no size: \"" + value + "\"", "such as 64m or 1g");
  }

  private <T extends Enum<T>> T oneOf(Class<T> kind, String what, String value) {
    List<String> names =
        Arrays.stream(kind.getEnumConstants()).map(c -> c.name().toLowerCase(Locale.ROOT)).toList();
    String lower = value.toLowerCase(Locale.ROOT);
    if (names.contains(lower)) {
      return Enum.valueOf(kind, lower.toUpperCase(Locale.ROOT));
    }
    throw bad(
        "unknown " + what + ": \"" + value + "\"",
        Suggestions.nearest(value, names)
            .map(n -> "did you mean " + n + "?")
            .orElse("it can be " + String.join(", ", names)));
  }

  private DockerfileException bad(String message, @Nullable String hint) {
    return MountOptions.bad(options.spec(), message, hint);
  }
}
