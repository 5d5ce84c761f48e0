package build.kiln.runtime.layer;

/** Content whose source remembers its hash, so that it need not be read for it again. */
public interface Rememberable {
  /**
   * To be called after the last byte was read, and the end was seen.
   *
   * @param sha256 of all of it
   */
  void hashedTo(byte[] sha256);
}
