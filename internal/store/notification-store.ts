/** The part of the port that is about what people are told. @see store.ts for the laws */
import type { Notification } from '../domain/notification.ts';
import { rowMap } from './row.ts';
import type { Page } from './store.ts';

/** Channels: one, or all but those that are named. */
export type ChannelFilter = { readonly only: string } | { readonly except: readonly string[] };

/** What may be asked about notifications. */
export interface NotificationReads {
  notification(id: string): Promise<Notification | null>;
  /** Newest first; of one state or channel when given. */
  notifications(
    filter: { readonly states?: readonly Notification['state'][]; readonly channel?: string },
    page: Page,
  ): Promise<Notification[]>;
  /** Ids of those that are due and that no server has, the longest due first. */
  dueNotifications(wish: {
    readonly of: ChannelFilter;
    readonly now: number;
    readonly limit: number;
  }): Promise<string[]>;
  /** When the next one can be taken; null when none is due at any time. */
  nextNotificationAt(of: ChannelFilter): Promise<number | null>;
}

/** What may be written about them. */
export interface NotificationWrites {
  /** Those whose `dedupKey` is there already are left out. At most `maxRowsAtOnce`. @returns how many were new */
  insertNotifications(notifications: readonly Notification[]): Promise<number>;
  /** Takes one that is due, and counts a try. @returns false when another server has it, or it is not due */
  takeNotification(id: string, times: { readonly now: number; readonly until: number }): Promise<boolean>;
  /**
   * Says what became of one that was taken, and lets go of it.
   * @param taken  as it was when it was taken; one that was taken from us stays as it is
   * @returns false when it was
   */
  settleNotification(
    taken: Pick<Notification, 'id' | 'channel' | 'takenUntil'>,
    end: Pick<Notification, 'state' | 'dueAt' | 'error' | 'settledAt'>,
  ): Promise<boolean>;
  /** Removes those that are older, the oldest first, whatever their state. @returns how many went, at most `limit` */
  deleteNotifications(before: number, limit: number): Promise<number>;
  /** Counts a failure of something. @returns how many there are in a row now */
  addFailure(subject: string, now: number): Promise<number>;
  /** Ends the row of failures of something. @returns how many there were; 0 = none */
  endFailures(subject: string): Promise<number>;
}

/** How a notification rests in its table. */
export const notificationRow = rowMap<Notification>()({
  id: 'plain',
  dedupKey: 'plain',
  channel: 'plain',
  event: 'plain',
  message: 'json',
  state: 'plain',
  createdAt: 'plain',
  dueAt: 'plain',
  tries: 'plain',
  takenUntil: 'plain',
  error: 'plain',
  settledAt: 'plain',
});
