package build.kiln.runtime.cli;

/** Which kiln this is. */
final class Version {
  private Version() {}

  /** {@code kiln 0.1.0}; from classes that are in no jar, {@code kiln (development)}. */
  static String text() {
    String version = Main.class.getPackage().getImplementationVersion();
    return "kiln " + (version == null ? "(development)" : version);
  }
}
