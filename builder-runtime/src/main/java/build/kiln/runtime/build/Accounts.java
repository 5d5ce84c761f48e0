package build.kiln.runtime.build;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The users and groups of an image, by its {@code /etc/passwd} and {@code /etc/group}. */
final class Accounts {
  private static final int MAX_FILE = 4 * 1024 * 1024;
  private static final long MAX_ID = 0xFFFF_FFFEL;

  private final List<User> users;
  private final List<Group> groups;

  /** Reads one of the files of an image; empty if it has none. */
  @FunctionalInterface
  interface FileReader {
    Optional<byte[]> read(String path, int max) throws IOException;
  }

  /** A line of {@code /etc/passwd}. */
  private record User(String name, int uid, int gid, String home) {}

  /** A line of {@code /etc/group}. */
  private record Group(String name, int gid, List<String> members) {}

  /**
   * Whom a process runs as.
   *
   * @param groups supplementary groups, the primary one among them as containers have it
   * @param home the home folder, {@code /} if none is known
   */
  record Identity(int uid, int gid, List<Integer> groups, String home) {}

  /** Who owns a file. */
  record Owner(int uid, int gid) {
    static final Owner ROOT = new Owner(0, 0);
  }

  /** No such user or group; the message says which. */
  static final class UnknownAccount extends Exception {
    UnknownAccount(String message) {
      super(message);
    }
  }

  private Accounts(List<User> users, List<Group> groups) {
    this.users = users;
    this.groups = groups;
  }

  /** The accounts of an image; none where it lacks the files. */
  static Accounts read(FileReader image) throws IOException {
    var users = new ArrayList<User>();
    for (String[] f : lines(image.read("etc/passwd", MAX_FILE), 4)) {
      Integer uid = id(f[2]);
      Integer gid = id(f[3]);
      if (uid != null && gid != null) {
        users.add(new User(f[0], uid, gid, f.length > 5 ? f[5] : ""));
      }
    }
    var groups = new ArrayList<Group>();
    for (String[] f : lines(image.read("etc/group", MAX_FILE), 3)) {
      Integer gid = id(f[2]);
      if (gid != null) {
        groups.add(new Group(f[0], gid, f.length > 3 ? List.of(f[3].split(",")) : List.of()));
      }
    }
    return new Accounts(users, groups);
  }

  /**
   * Whom {@code USER} means: {@code user[:group]}, by name or number; empty is root.
   *
   * @throws UnknownAccount for a name that the image does not have
   */
  Identity identity(String text) throws UnknownAccount {
    int colon = text.indexOf(':');
    String userText = colon < 0 ? text : text.substring(0, colon);
    String groupText = colon < 0 ? "" : text.substring(colon + 1);
    Integer number = userText.isEmpty() ? Integer.valueOf(0) : id(userText);
    Optional<User> user =
        users.stream()
            .filter(u -> u.name.equals(userText))
            .findFirst()
            .or(() -> users.stream().filter(u -> Objects.equals(u.uid, number)).findFirst());
    if (user.isEmpty() && number == null) {
      throw unknown("user", userText, "etc/passwd");
    }
    int uid = user.map(User::uid).orElseGet(() -> Objects.requireNonNull(number));
    int gid = groupText.isEmpty() ? user.map(User::gid).orElse(0) : group(groupText);
    var all = new LinkedHashSet<Integer>(List.of(gid));
    if (groupText.isEmpty() && !userText.isEmpty() && user.isPresent()) {
      groups.stream().filter(g -> g.members.contains(user.get().name)).forEach(g -> all.add(g.gid));
    }
    String home = user.map(User::home).filter(h -> !h.isEmpty()).orElse("/");
    return new Identity(uid, gid, List.copyOf(all), home);
  }

  /**
   * Whom {@code --chown} means: a user by name has the group that the image says, one by number the
   * group of the same number.
   *
   * @throws UnknownAccount for a name that the image does not have
   */
  Owner owner(String text) throws UnknownAccount {
    int colon = text.indexOf(':');
    String userText = colon < 0 ? text : text.substring(0, colon);
    String groupText = colon < 0 ? "" : text.substring(colon + 1);
    int uid = 0;
    int gid = 0;
    if (!userText.isEmpty()) {
      Integer number = id(userText);
      if (number != null) {
        uid = number;
        gid = number;
      } else {
        User user =
            users.stream()
                .filter(u -> u.name.equals(userText))
                .findFirst()
                .orElseThrow(() -> unknown("user", userText, "etc/passwd"));
        uid = user.uid;
        gid = user.gid;
      }
    }
    return new Owner(uid, groupText.isEmpty() ? gid : group(groupText));
  }

  private int group(String text) throws UnknownAccount {
    Optional<Group> named = groups.stream().filter(g -> g.name.equals(text)).findFirst();
    if (named.isPresent()) {
      return named.get().gid;
    }
    Integer number = id(text);
    if (number == null) {
      throw unknown("group", text, "etc/group");
    }
    return number;
  }

  private static UnknownAccount unknown(String what, String name, String file) {
    return new UnknownAccount(
        "the image has no %s \"%s\" in /%s; use a number, or add it in a step before"
            .formatted(what, name, file));
  }

  private static List<String[]> lines(Optional<byte[]> file, int fields) {
    return file.map(bytes -> new String(bytes, StandardCharsets.UTF_8)).stream()
        .flatMap(String::lines)
        .filter(line -> !line.isBlank() && !line.startsWith("#"))
        .map(line -> line.split(":", -1))
        .filter(parts -> parts.length >= fields)
        .toList();
  }

  /** An ID as the kernel has it; null if that is none. */
  private static @Nullable Integer id(String text) {
    if (!text.matches("[0-9]{1,10}") || Long.parseLong(text) > MAX_ID) {
      return null;
    }
    return (int) Long.parseLong(text);
  }
}
