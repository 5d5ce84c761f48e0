package build.kiln.runtime.sandbox;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileHandle;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes what crun runs a step from: the configuration of the OCI runtime specification 1.0.2 and
 * the files that it binds. The user namespace and the root are there when crun starts; crun makes
 * the others and all other mounts.
 */
final class OciBundle {
  /** Docker's default set. */
  static final List<String> CAPABILITIES =
      List.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_FSETID",
          "CAP_FOWNER",
          "CAP_MKNOD",
          "CAP_NET_RAW",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETFCAP",
          "CAP_SETPCAP",
          "CAP_NET_BIND_SERVICE",
          "CAP_SYS_CHROOT",
          "CAP_KILL",
          "CAP_AUDIT_WRITE");

  private static final List<String> MASKED =
      List.of(
          "/proc/acpi",
          "/proc/asound",
          "/proc/kcore",
          "/proc/keys",
          "/proc/latency_stats",
          "/proc/timer_list",
          "/proc/timer_stats",
          "/proc/sched_debug",
          "/proc/scsi",
          "/proc/interrupts",
          "/sys/firmware",
          "/sys/fs/cgroup",
          "/sys/devices/virtual/powercap");

  private static final List<String> READ_ONLY =
      List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

  private static final int TTY_GROUP = 5;

  private final Path directory;
  private final IdMap groups;
  private final HostFiles hostFiles;
  private final long builder;

  /**
   * @param directory exists, is empty, and is nobody else's to read
   * @param groups group IDs that exist in the step
   * @param builder process ID of the builder
   */
  OciBundle(Path directory, IdMap groups, HostFiles hostFiles, long builder) {
    this.directory = directory;
    this.groups = groups;
    this.hostFiles = hostFiles;
    this.builder = builder;
  }

  /**
   * Writes the files that the step sees.
   *
   * @return the configuration, as JSON
   */
  byte[] write(Path root, Recipe recipe, String hostName, Command command) throws IOException {
    ObjectNode config =
        JsonNodeFactory.instance.objectNode().put("ociVersion", "1.0.2").put("hostname", hostName);
    config.putObject("root").put("path", root.toString());
    process(config.putObject("process"), command);
    mounts(config.putArray("mounts"), recipe, command);
    ObjectNode linux = config.putObject("linux");
    ArrayNode namespaces = linux.putArray("namespaces");
    for (String type : List.of("mount", "pid", "ipc", "uts")) {
      namespaces.addObject().put("type", type);
    }
    if (command.offline()) {
      namespaces.addObject().put("type", "network");
    }
    List<String> masked = new ArrayList<>(MASKED);
    if (!recipe.newProc()) {
      masked.add("/proc/1");
      if (builder != 1) {
        masked.add("/proc/" + builder);
      }
    }
    if (command.offline()) {
      // It is the builder's /sys, with the builder's devices.
      masked.add("/sys/class/net");
    }
    masked.forEach(linux.putArray("maskedPaths")::add);
    READ_ONLY.forEach(linux.putArray("readonlyPaths")::add);
    return Json.write(config);
  }

  private static void process(ObjectNode process, Command command) {
    process.put("terminal", false).put("cwd", command.cwd()).put("noNewPrivileges", false);
    ObjectNode user = process.putObject("user");
    user.put("uid", command.uid()).put("gid", command.gid()).put("umask", 0022);
    command.groups().forEach(user.putArray("additionalGids")::add);
    command.argv().forEach(process.putArray("args")::add);
    ArrayNode env = process.putArray("env");
    command.env().forEach(env::add);
    command.secrets().forEach(secret -> env.add(secret.name() + "=" + secret.text()));
    ObjectNode capabilities = process.putObject("capabilities");
    for (String set : List.of("bounding", "effective", "permitted")) {
      CAPABILITIES.forEach(capabilities.putArray(set)::add);
    }
  }

  private void mounts(ArrayNode mounts, Recipe recipe, Command command) throws IOException {
    if (recipe.newProc()) {
      mount(mounts, "/proc", "proc", "proc", "nosuid,noexec,nodev");
    } else {
      // Its own processes are not in it, so nothing in it is for the step to write.
      mount(mounts, "/proc", "bind", "/proc", "rbind,ro,nosuid,noexec,nodev");
    }
    mount(mounts, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k");
    String tty = groups.has(TTY_GROUP) ? ",gid=" + TTY_GROUP : "";
    mount(
        mounts,
        "/dev/pts",
        "devpts",
        "devpts",
        "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620" + tty);
    mount(mounts, "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k");
    mount(mounts, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
    mount(mounts, "/sys", "bind", "/sys", "rbind,nosuid,noexec,nodev,rro");
    file(mounts, "/etc/resolv.conf", "resolv.conf", hostFiles.resolvConf(), 0644);
    file(mounts, "/etc/hosts", "hosts", hostFiles.hosts(command.hostName()), 0644);
    int number = 0;
    for (StepFile file : command.files()) {
      file(mounts, file.path(), "file" + number++, file.content(), file.mode());
    }
    int secret = 0;
    for (StepMount mount : command.mounts()) {
      mount(mounts, mount, secret);
      secret += mount instanceof StepMount.Secret ? 1 : 0;
    }
  }

  private void mount(ArrayNode mounts, StepMount mount, int secret) {
    switch (mount) {
      case StepMount.Bind m ->
          mount(
              mounts, m.target(), "bind", m.source().toString(), m.readOnly() ? "bind,ro" : "bind");
      case StepMount.Tmpfs m ->
          mount(
              mounts,
              m.target(),
              "tmpfs",
              "tmpfs",
              "nosuid,mode=1777" + (m.size() == 0 ? "" : ",size=" + m.size()));
      case StepMount.Secret m ->
          mount(
              mounts,
              m.target(),
              "bind",
              directory
                  .resolve(NamespaceTools.SECRETS)
                  .resolve(Integer.toString(secret))
                  .toString(),
              "bind,ro,nosuid,nodev,noexec");
    }
  }

  private void file(ArrayNode mounts, String destination, String name, byte[] content, int mode)
      throws IOException {
    try (DirectoryHandle bundle = DirectoryHandle.open(directory);
        FileHandle file = bundle.createFile(name, 0600)) {
      file.write(content, 0, content.length);
      file.chmod(mode);
    }
    mount(mounts, destination, "bind", directory.resolve(name).toString(), "bind,ro");
  }

  private static void mount(
      ArrayNode mounts, String destination, String type, String source, String options) {
    ObjectNode mount = mounts.addObject().put("destination", destination);
    mount.put("type", type).put("source", source);
    List.of(options.split(",")).forEach(mount.putArray("options")::add);
  }
}
